"""What a candle does to the paper venue's book."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db import connection as database
from django.db.models import QuerySet, Sum

from algotrendy.trading.broker import ExecutionReport, ReportKind
from algotrendy.trading.candles import Bar
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.matching import (
    Costs,
    Expired,
    Filled,
    Liquidity,
    MatchEvent,
    Refused,
    Triggered,
    first_of,
    follow,
    follows,
    match,
)
from algotrendy.trading.values import ZERO
from apps.brokers.models import BrokerConnection, PaperOrder, PaperOrderStatus, PaperTrade
from apps.common.gathering import row_add, row_known, row_save, written
from apps.common.prepared import Given, Prepared
from apps.marketdata.models import Instrument

from .words import resting_order, trade_id


def costs_of(connection: BrokerConnection) -> Costs:
    return Costs(connection.commission_rate, connection.slippage_rate)


class PaperBook:
    """An account's resting orders in an instrument, read and locked once, while they meet one bar.

    The caller holds a transaction, in which what the book reports is applied to the platform too. Orders that reach
    the venue meanwhile are in the next book.
    """

    def __init__(self, connection: BrokerConnection, instrument: InstrumentSpec, bar: Bar) -> None:
        self._connection, self._instrument, self._bar = connection, instrument, bar
        self._costs = costs_of(connection)
        resting = _WAITING(connection=connection.pk, symbol=instrument.symbol, at=bar.open_time)
        self._waiting = {order.client_order_id: order for order in resting}
        self._liquidity = _liquidity(connection, instrument.symbol, bar)
        self._events = {key: self._match(order) for key, order in self._waiting.items()}
        self._trade_ids: list[int] = []

    @property
    def reached(self) -> list[str]:
        """The client order ids of those to which the bar does something, as far as can be told now."""
        return [key for key, event in self._events.items() if event is not None]

    def next(self) -> list[ExecutionReport]:
        """Take the first thing that the bar does to the orders and return its reports; none where it does no more.

        Then trailing stops are drawn after it.
        """
        event = first_of(self._events.values())
        if event is None:
            self._follow()
            return []
        order = self._waiting[event.order.key]
        match event:
            case Filled():
                return self._fill(order, event)
            case Triggered():
                self._have_turn(order)
                return [ExecutionReport(ReportKind.TRIGGERED, order.client_order_id, self._bar.close_time)]
            case Refused():
                return [self._end(order, PaperOrderStatus.CANCELED, ReportKind.CANCELED, event.reason)]
            case Expired():
                return [self._end(order, PaperOrderStatus.EXPIRED, ReportKind.EXPIRED, event.reason)]

    def _match(self, order: PaperOrder) -> MatchEvent | None:
        return match(resting_order(order), self._bar, self._costs, self._instrument, self._liquidity)

    def _follow(self) -> None:
        """Let trailing stops and new post-only orders see the bar, once: they meet it no second time."""
        for order in list(self._waiting.values()):
            before = resting_order(order)
            if follows(before):
                after = follow(before, self._bar)
                order.best_price, order.is_triggered = after.best_price, after.is_triggered
                order.active_from = self._bar.close_time
                self._leave(order, ["best_price", "is_triggered", "active_from"])

    def _have_turn(self, order: PaperOrder) -> None:
        """Keep what remains of an order from this bar: it goes on with the next, and waits for nothing any more."""
        order.is_triggered, order.active_from = True, self._bar.close_time
        self._leave(order, ["is_triggered", "active_from", "filled_quantity"])

    def _end(self, order: PaperOrder, status: PaperOrderStatus, kind: ReportKind, reason: str) -> ExecutionReport:
        order.status = status
        self._leave(order, ["status", "filled_quantity"])
        return ExecutionReport(kind, order.client_order_id, self._bar.open_time, reason=reason)

    def _leave(self, order: PaperOrder, fields: list[str]) -> None:
        """Save an order that this bar does nothing more to."""
        row_save(order, fields)
        del self._waiting[order.client_order_id], self._events[order.client_order_id]

    def _fill(self, order: PaperOrder, event: Filled) -> list[ExecutionReport]:
        report = self._trade(order, event)
        order.filled_quantity += event.quantity
        reports = [report]
        if not event.is_partial:
            order.status = PaperOrderStatus.FILLED
            self._leave(order, ["status", "filled_quantity"])
        elif event.order.is_immediate:
            reason = "What an ioc order does not get at once is canceled."
            reports.append(self._end(order, PaperOrderStatus.CANCELED, ReportKind.CANCELED, reason))
        else:
            self._have_turn(order)
        if self._liquidity.share:
            self._liquidity = replace(self._liquidity, taken=self._liquidity.taken + event.quantity)
            self._events = {key: self._match(other) for key, other in self._waiting.items()}
        return [*reports, *self._shrink_group(order, report)]

    def _trade(self, order: PaperOrder, event: Filled) -> ExecutionReport:
        """Write the execution down and return it as it is reported."""
        at = self._bar.open_time if event.at_open else self._bar.close_time
        fee = self._costs.fee(self._instrument.notional(event.price, event.quantity))
        trade = PaperTrade(
            id=self._next_trade_id(),
            order=order,
            price=event.price,
            quantity=event.quantity,
            fee=fee,
            executed_at=at,
            bar_time=self._bar.open_time if self._connection.volume_share else None,
        )
        row_add(trade)
        return ExecutionReport(
            kind=ReportKind.FILLED,
            client_order_id=order.client_order_id,
            at=at,
            trade_id=trade_id(trade),
            price=event.price,
            quantity=event.quantity,
            fee=fee,
        )

    def _next_trade_id(self) -> int:
        """Return a new id; as many as may be needed are taken at once, and nobody misses those that are not used."""
        if not self._trade_ids:
            with database.cursor() as cursor:
                cursor.execute(_NEW_IDS, [PaperTrade._meta.db_table, max(len(self.reached), 1)])
                self._trade_ids = [number for (number,) in reversed(cursor.fetchall())]
        return self._trade_ids.pop()

    def _shrink_group(self, filled: PaperOrder, report: ExecutionReport) -> list[ExecutionReport]:
        """Make the other orders of the filled one's group smaller by what it took; they are gone once it is filled."""
        reports = []
        for order in self._group_of(filled):
            kept = order.remaining_quantity - report.quantity
            told = ExecutionReport(ReportKind.REDUCED, order.client_order_id, report.at)
            if filled.status == PaperOrderStatus.FILLED or kept <= 0:
                order.status = PaperOrderStatus.CANCELED
                reason = "The other order of the pair was filled."
                reports.append(replace(told, kind=ReportKind.CANCELED, reason=reason))
                self._waiting.pop(order.client_order_id, None)
                self._events.pop(order.client_order_id, None)
            else:
                order.quantity -= report.quantity
                reports.append(replace(told, quantity=order.quantity))
                if order.client_order_id in self._waiting:
                    self._events[order.client_order_id] = self._match(order)
            row_save(order, ["status", "quantity"])
        return reports

    def _group_of(self, filled: PaperOrder) -> list[PaperOrder]:
        """Return the group's other open orders, locked, as the book has them."""
        if not filled.oco_group:
            return []
        written()
        others = PaperOrder.objects.select_for_update().filter(
            connection_id=filled.connection_id, oco_group=filled.oco_group, status=PaperOrderStatus.OPEN
        )
        found = others.exclude(pk=filled.pk).order_by("id")
        return [self._waiting.get(order.client_order_id) or row_known(PaperOrder, order.pk) or order for order in found]


def paper_connections_met(instrument: Instrument, bar: Bar, among: QuerySet[Any, Any]) -> list[BrokerConnection]:
    """Return those of the connections, given by a query of ids, to whose resting orders the bar makes a difference."""
    rows = (
        PaperOrder.objects.filter(
            instrument=instrument, status=PaperOrderStatus.OPEN, active_from__lte=bar.open_time, connection__in=among
        )
        .select_related("connection")
        .order_by("connection__created_at", "connection_id", "id")
    )
    return [
        kept[0].connection
        for _, orders in groupby(rows, key=attrgetter("connection_id"))
        if _makes_difference(kept := list(orders), bar, instrument.spec)
    ]


def _makes_difference(orders: Iterable[PaperOrder], bar: Bar, instrument: InstrumentSpec) -> bool:
    """Tell whether the bar does something to one of an account's orders, or may: a fault is that account's own."""
    try:
        return any(_is_met(order, bar, instrument) for order in orders)
    except Exception:
        return True


def _is_met(order: PaperOrder, bar: Bar, instrument: InstrumentSpec) -> bool:
    resting, connection = resting_order(order), order.connection
    # What was taken of the bar before could only lessen what is found here.
    liquidity = Liquidity(connection.volume_share, ZERO, connection.seed)
    return follows(resting) or match(resting, bar, costs_of(connection), instrument, liquidity) is not None


_WAITING = Prepared(
    lambda: (
        PaperOrder.objects.select_for_update(of=("self",))
        .filter(
            connection=Given("connection"),
            instrument__symbol=Given("symbol"),
            status=PaperOrderStatus.OPEN,
            active_from__lte=Given("at"),
        )
        .order_by("id")
    )
)


def _liquidity(connection: BrokerConnection, symbol: str, bar: Bar) -> Liquidity:
    if not connection.volume_share:
        return Liquidity()
    trades = PaperTrade.objects.filter(
        bar_time=bar.open_time, order__connection=connection, order__instrument__symbol=symbol
    )
    taken = trades.aggregate(taken=Sum("quantity"))["taken"] or ZERO
    return Liquidity(connection.volume_share, taken, connection.seed)


_NEW_IDS = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
