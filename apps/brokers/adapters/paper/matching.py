"""What a candle does to the paper venue's book."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet, Sum

from algotrendy.trading.broker import ExecutionReport, ReportKind
from algotrendy.trading.candles import Bar
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.matching import (
    Costs,
    Expired,
    Filled,
    Liquidity,
    Refused,
    Triggered,
    first_event,
    follow,
    follows,
)
from algotrendy.trading.values import ZERO
from apps.brokers.models import BrokerConnection, PaperOrder, PaperOrderStatus, PaperTrade
from apps.marketdata.models import Instrument

from .words import resting_order, trade_id


def costs_of(connection: BrokerConnection) -> Costs:
    return Costs(connection.commission_rate, connection.slippage_rate)


def match_next(connection: BrokerConnection, instrument: InstrumentSpec, bar: Bar) -> list[ExecutionReport]:
    """Take the first thing that the bar does to the account's resting orders and return its reports.

    Where it does nothing more, trailing stops are drawn after it. The caller holds a transaction.
    """
    waiting = {order.client_order_id: order for order in _waiting(connection, instrument.symbol, bar)}
    liquidity = _liquidity(connection, instrument.symbol, bar)
    event = first_event(map(resting_order, waiting.values()), bar, costs_of(connection), instrument, liquidity)
    if event is None:
        _follow(waiting.values(), bar)
        return []
    order = waiting[event.order.key]
    match event:
        case Filled():
            return _fill(connection, order, event, bar, instrument)
        case Triggered():
            _have_turn(order, bar)
            return [ExecutionReport(ReportKind.TRIGGERED, order.client_order_id, bar.close_time)]
        case Refused():
            return [_end(order, PaperOrderStatus.CANCELED, ReportKind.CANCELED, bar, event.reason)]
        case Expired():
            return [_end(order, PaperOrderStatus.EXPIRED, ReportKind.EXPIRED, bar, event.reason)]


def paper_connections_met(instrument: Instrument, bar: Bar, among: QuerySet[Any, Any]) -> list[BrokerConnection]:
    """Return those of the connections, given by a query of ids, to whose resting orders the bar makes a difference."""
    rows = (
        PaperOrder.objects.filter(
            instrument=instrument, status=PaperOrderStatus.OPEN, active_from__lte=bar.open_time, connection__in=among
        )
        .select_related("connection")
        .order_by("connection__created_at", "connection_id", "id")
    )
    met = []
    for _, orders in groupby(rows, key=attrgetter("connection_id")):
        kept = list(orders)
        connection, resting = kept[0].connection, list(map(resting_order, kept))
        # What was taken of the bar before could only lessen what is found here.
        liquidity = Liquidity(connection.volume_share, ZERO, connection.seed)
        found = first_event(resting, bar, costs_of(connection), instrument.spec, liquidity)
        if found is not None or any(map(follows, resting)):
            met.append(connection)
    return met


def _waiting(connection: BrokerConnection, symbol: str, bar: Bar) -> QuerySet[PaperOrder]:
    return (
        PaperOrder.objects.select_for_update(of=("self",))
        .filter(
            connection=connection,
            instrument__symbol=symbol,
            status=PaperOrderStatus.OPEN,
            active_from__lte=bar.open_time,
        )
        .order_by("id")
    )


def _liquidity(connection: BrokerConnection, symbol: str, bar: Bar) -> Liquidity:
    if not connection.volume_share:
        return Liquidity()
    trades = PaperTrade.objects.filter(
        bar_time=bar.open_time, order__connection=connection, order__instrument__symbol=symbol
    )
    taken = trades.aggregate(taken=Sum("quantity"))["taken"] or ZERO
    return Liquidity(connection.volume_share, taken, connection.seed)


def _follow(orders: Iterable[PaperOrder], bar: Bar) -> None:
    """Let trailing stops and new post-only orders see the bar, once: they meet it no second time."""
    for order in orders:
        before = resting_order(order)
        if not follows(before):
            continue
        after = follow(before, bar)
        order.best_price, order.is_triggered, order.active_from = after.best_price, after.is_triggered, bar.close_time
        order.save(update_fields=["best_price", "is_triggered", "active_from"])


def _have_turn(order: PaperOrder, bar: Bar) -> None:
    """Keep what remains of an order from this bar: it goes on with the next, and waits for nothing any more."""
    order.is_triggered, order.active_from = True, bar.close_time
    order.save(update_fields=["is_triggered", "active_from", "filled_quantity"])


def _end(order: PaperOrder, status: PaperOrderStatus, kind: ReportKind, bar: Bar, reason: str) -> ExecutionReport:
    order.status = status
    order.save(update_fields=["status", "filled_quantity"])
    return ExecutionReport(kind, order.client_order_id, bar.open_time, reason=reason)


def _fill(
    connection: BrokerConnection, order: PaperOrder, event: Filled, bar: Bar, instrument: InstrumentSpec
) -> list[ExecutionReport]:
    at = bar.open_time if event.at_open else bar.close_time
    fee = costs_of(connection).fee(instrument.notional(event.price, event.quantity))
    trade = PaperTrade.objects.create(
        order=order,
        price=event.price,
        quantity=event.quantity,
        fee=fee,
        executed_at=at,
        bar_time=bar.open_time if connection.volume_share else None,
    )
    report = ExecutionReport(
        kind=ReportKind.FILLED,
        client_order_id=order.client_order_id,
        at=at,
        trade_id=trade_id(trade),
        price=event.price,
        quantity=event.quantity,
        fee=fee,
    )
    order.filled_quantity += event.quantity
    reports = [report]
    if not event.is_partial:
        order.status = PaperOrderStatus.FILLED
        order.save(update_fields=["status", "filled_quantity"])
    elif event.order.is_immediate:
        reason = "What an ioc order does not get at once is canceled."
        reports.append(_end(order, PaperOrderStatus.CANCELED, ReportKind.CANCELED, bar, reason))
    else:
        _have_turn(order, bar)
    return [*reports, *_shrink_group(order, report)]


def _shrink_group(filled: PaperOrder, report: ExecutionReport) -> list[ExecutionReport]:
    """Make the other orders of the filled one's group smaller by what it took; they are gone once it is filled."""
    if not filled.oco_group:
        return []
    others = PaperOrder.objects.select_for_update().filter(
        connection_id=filled.connection_id, oco_group=filled.oco_group, status=PaperOrderStatus.OPEN
    )
    reports = []
    for order in others.exclude(pk=filled.pk).order_by("id"):
        kept = order.remaining_quantity - report.quantity
        told = ExecutionReport(ReportKind.REDUCED, order.client_order_id, report.at)
        if filled.status == PaperOrderStatus.FILLED or kept <= 0:
            order.status = PaperOrderStatus.CANCELED
            reason = "The other order of the pair was filled."
            reports.append(replace(told, kind=ReportKind.CANCELED, reason=reason))
        else:
            order.quantity -= report.quantity
            reports.append(replace(told, quantity=order.quantity))
        order.save(update_fields=["status", "quantity"])
    return reports
