"""The paper venue: real orders, real candles, no real money; its book is in the database and survives restarts.

It fills by `algotrendy.trading.matching`, on candles that open at or after the market time at which an order was sent:
nobody trades at a price that is already past.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db import transaction
from django.db.models import Case, F, QuerySet, Sum, When

from algotrendy.trading.broker import (
    ExecutionReport,
    KeyRights,
    OrderRequest,
    ReportKind,
    VenueBalance,
    VenueOrder,
    VenuePosition,
    VenueTrade,
    VenueTraits,
)
from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import BrokerRejected
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.matching import Costs, Expired, Filled, RestingOrder, Triggered, first_event
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import ZERO, OrderType, Side, TimeInForce
from apps.brokers.models import BrokerConnection, PaperOrder, PaperOrderStatus, PaperTrade
from apps.common.fields import AmountField
from apps.marketdata.models import Instrument

PAPER_TRAITS = VenueTraits(deduplicates=True, groups=True, reduces=True, rests=frozenset(OrderType), is_simulated=True)


class PaperGateway:
    """One connection's account at the paper venue."""

    def __init__(self, connection: BrokerConnection) -> None:
        self.connection = connection
        self.costs = Costs(connection.commission_rate, connection.slippage_rate)

    @property
    def traits(self) -> VenueTraits:
        return PAPER_TRAITS

    def submit_order(self, request: OrderRequest) -> VenueOrder:
        order, _ = PaperOrder.objects.get_or_create(
            connection=self.connection,
            client_order_id=request.client_order_id,
            defaults={
                "instrument": Instrument.objects.get(symbol=request.symbol),
                "side": request.side,
                "type": request.type,
                "time_in_force": request.time_in_force,
                "quantity": request.quantity,
                "limit_price": request.limit_price,
                "stop_price": request.stop_price,
                "expires_at": request.expires_at,
                "oco_group": request.oco_group,
                "active_from": request.active_from,
            },
        )
        return _as_venue_order(order)

    def cancel_order(self, client_order_id: str, symbol: str) -> VenueOrder:
        with transaction.atomic():
            order = self._locked(client_order_id)
            if order.status == PaperOrderStatus.OPEN:
                order.status = PaperOrderStatus.CANCELED
                order.save(update_fields=["status"])
        return _as_venue_order(order)

    def reduce_order(self, client_order_id: str, symbol: str, quantity: Decimal) -> VenueOrder:
        with transaction.atomic():
            order = self._locked(client_order_id)
            if order.status == PaperOrderStatus.OPEN and ZERO < quantity < order.quantity:
                order.quantity = quantity
                order.save(update_fields=["quantity"])
        return _as_venue_order(order)

    def fetch_order(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        order = PaperOrder.objects.filter(connection=self.connection, client_order_id=client_order_id).first()
        return None if order is None else _as_venue_order(order)

    def fetch_open_orders(self, symbol: str) -> list[VenueOrder]:
        rows = PaperOrder.objects.filter(
            connection=self.connection, instrument__symbol=symbol, status=PaperOrderStatus.OPEN
        )
        return [_as_venue_order(order) for order in rows.select_related("instrument").order_by("id")]

    def fetch_trades(self, symbol: str, since: datetime | None) -> list[VenueTrade]:
        rows = PaperTrade.objects.filter(order__connection=self.connection, order__instrument__symbol=symbol)
        return _as_venue_trades(rows if since is None else rows.filter(executed_at__gte=since))

    def fetch_order_trades(self, client_order_id: str, symbol: str) -> list[VenueTrade]:
        return _as_venue_trades(
            PaperTrade.objects.filter(order__connection=self.connection, order__client_order_id=client_order_id)
        )

    def fetch_balances(self) -> dict[str, VenueBalance]:
        """Return nothing: the paper venue keeps orders and executions; the money is each portfolio's own."""
        return {}

    def fetch_positions(self, symbols: list[str]) -> dict[str, VenuePosition]:
        """Return the sum of the account's executions in each instrument."""
        signed = Case(
            When(order__side=Side.SELL, then=-F("quantity")), default=F("quantity"), output_field=AmountField()
        )
        rows = (
            PaperTrade.objects.filter(order__connection=self.connection, order__instrument__symbol__in=symbols)
            .values("order__instrument__symbol")
            .order_by()
            .annotate(held=Sum(signed, output_field=AmountField()))
        )
        held = {row["order__instrument__symbol"]: row["held"] for row in rows}
        return {symbol: VenuePosition(symbol, quantity) for symbol, quantity in held.items() if quantity}

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """Take any leverage: the portfolio's limits and margin are the platform's own arithmetic."""

    def key_rights(self) -> KeyRights:
        return KeyRights(can_read=True, can_trade=True, can_withdraw=False)

    def match_next(self, instrument: InstrumentSpec, bar: Bar) -> list[ExecutionReport]:
        """Take the first thing that the bar does to the account's resting orders and return its reports.

        Call it until it returns none: an order that the bar left alone once, it leaves alone again. The caller's
        transaction makes venue and platform agree.
        """
        waiting = self._waiting(instrument.symbol, bar.open_time)
        event = first_event([_as_resting(order) for order in waiting], bar, self.costs, instrument)
        if event is None:
            return []
        order = next(order for order in waiting if order.client_order_id == event.order.key)
        match event:
            case Filled():
                return self._fill(order, event, bar, instrument)
            case Triggered():
                order.is_triggered = True
                order.active_from = bar.close_time
                order.save(update_fields=["is_triggered", "active_from"])
                return [ExecutionReport(ReportKind.TRIGGERED, order.client_order_id, bar.close_time)]
            case Expired():
                order.status = PaperOrderStatus.EXPIRED
                order.save(update_fields=["status"])
                return [ExecutionReport(ReportKind.EXPIRED, order.client_order_id, bar.open_time)]

    def _waiting(self, symbol: str, at: datetime) -> list[PaperOrder]:
        return list(
            PaperOrder.objects.select_for_update(of=("self",))
            .filter(
                connection=self.connection,
                instrument__symbol=symbol,
                status=PaperOrderStatus.OPEN,
                active_from__lte=at,
            )
            .order_by("id")
        )

    def _locked(self, client_order_id: str) -> PaperOrder:
        try:
            return PaperOrder.objects.select_for_update().get(
                connection=self.connection, client_order_id=client_order_id
            )
        except PaperOrder.DoesNotExist:
            raise BrokerRejected(f"The paper venue has no order {client_order_id}.", code="unknown_order") from None

    def _fill(self, order: PaperOrder, event: Filled, bar: Bar, instrument: InstrumentSpec) -> list[ExecutionReport]:
        at = bar.open_time if event.at_open else bar.close_time
        fee = self.costs.fee(instrument.notional(event.price, order.quantity))
        trade = PaperTrade.objects.create(
            order=order, price=event.price, quantity=order.quantity, fee=fee, executed_at=at
        )
        order.status = PaperOrderStatus.FILLED
        order.save(update_fields=["status"])
        report = ExecutionReport(
            kind=ReportKind.FILLED,
            client_order_id=order.client_order_id,
            at=at,
            trade_id=f"paper-{trade.pk}",
            price=event.price,
            quantity=order.quantity,
            fee=fee,
        )
        canceled = replace(report, kind=ReportKind.CANCELED, reason="The other order of the pair was filled.")
        return [report, *(replace(canceled, client_order_id=other) for other in self._cancel_group(order))]

    def _cancel_group(self, order: PaperOrder) -> list[str]:
        if not order.oco_group:
            return []
        others = PaperOrder.objects.filter(
            connection=self.connection, oco_group=order.oco_group, status=PaperOrderStatus.OPEN
        ).exclude(pk=order.pk)
        names = list(others.order_by("id").values_list("client_order_id", flat=True))
        others.update(status=PaperOrderStatus.CANCELED)
        return names


def paper_connections_met(instrument: Instrument, bar: Bar, among: QuerySet[Any, Any]) -> list[BrokerConnection]:
    """Return those of the connections, given by a query of ids, for whose resting orders the bar does something."""
    waiting = (
        PaperOrder.objects.filter(
            instrument=instrument, status=PaperOrderStatus.OPEN, active_from__lte=bar.open_time, connection__in=among
        )
        .select_related("connection")
        .order_by("connection__created_at", "connection_id", "id")
    )
    met = []
    for _, orders in groupby(waiting, key=attrgetter("connection_id")):
        resting = list(orders)
        connection = resting[0].connection
        if first_event(map(_as_resting, resting), bar, PaperGateway(connection).costs, instrument.spec) is not None:
            met.append(connection)
    return met


_STATUS = {
    PaperOrderStatus.OPEN: OrderStatus.OPEN,
    PaperOrderStatus.FILLED: OrderStatus.FILLED,
    PaperOrderStatus.CANCELED: OrderStatus.CANCELED,
    PaperOrderStatus.EXPIRED: OrderStatus.EXPIRED,
}


def _as_venue_trades(rows: QuerySet[PaperTrade]) -> list[VenueTrade]:
    return [
        VenueTrade(
            trade_id=f"paper-{trade.pk}",
            exchange_order_id=f"paper-{trade.order_id}",
            client_order_id=trade.order.client_order_id,
            symbol=trade.order.instrument.symbol,
            side=Side(trade.order.side),
            price=trade.price,
            quantity=trade.quantity,
            fee=trade.fee,
            fee_currency=trade.order.instrument.quote_currency,
            at=trade.executed_at,
        )
        for trade in rows.select_related("order__instrument").order_by("executed_at", "id")
    ]


def _as_venue_order(order: PaperOrder) -> VenueOrder:
    status = _STATUS[PaperOrderStatus(order.status)]
    return VenueOrder(
        client_order_id=order.client_order_id,
        exchange_order_id=f"paper-{order.pk}",
        status=status,
        filled_quantity=order.quantity if status is OrderStatus.FILLED else ZERO,
        symbol=order.instrument.symbol,
        side=Side(order.side),
        type=OrderType(order.type),
        quantity=order.quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        at=order.created_at,
    )


def _as_resting(order: PaperOrder) -> RestingOrder:
    return RestingOrder(
        key=order.client_order_id,
        sequence=order.pk,
        side=Side(order.side),
        type=OrderType(order.type),
        time_in_force=TimeInForce(order.time_in_force),
        quantity=order.quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        is_triggered=order.is_triggered,
        expires_at=order.expires_at,
    )
