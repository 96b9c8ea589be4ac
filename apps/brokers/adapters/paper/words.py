"""The paper venue's rows in the core's words."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import F, QuerySet, Sum

from algotrendy.trading.broker import VenueOrder, VenueTrade
from algotrendy.trading.matching import RestingOrder
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import OrderType, Side, TimeInForce, quantize
from apps.brokers.models import PaperOrder, PaperOrderStatus, PaperTrade
from apps.common.fields import AmountField

_TRADED = Sum(F("trades__price") * F("trades__quantity"), output_field=AmountField())
_STATUS = {
    PaperOrderStatus.OPEN: OrderStatus.OPEN,
    PaperOrderStatus.FILLED: OrderStatus.FILLED,
    PaperOrderStatus.CANCELED: OrderStatus.CANCELED,
    PaperOrderStatus.EXPIRED: OrderStatus.EXPIRED,
}


def venue_orders(rows: QuerySet[PaperOrder]) -> list[VenueOrder]:
    """Return the orders as the venue tells of them, oldest first."""
    found = rows.select_related("instrument").annotate(traded=_TRADED).order_by("id")
    return [_venue_order(order, order.traded) for order in found]


def venue_order(order: PaperOrder) -> VenueOrder:
    """Return one order as the venue tells of it."""
    traded = None
    if order.filled_quantity:
        traded = order.trades.aggregate(value=Sum(F("price") * F("quantity"), output_field=AmountField()))["value"]
    return _venue_order(order, traded)


def venue_trades(rows: QuerySet[PaperTrade]) -> list[VenueTrade]:
    """Return the executions as the venue tells of them, oldest first."""
    return [
        VenueTrade(
            trade_id=trade_id(trade),
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


def trade_id(trade: PaperTrade) -> str:
    return f"paper-{trade.pk}"


def resting_order(order: PaperOrder) -> RestingOrder:
    """Return what remains of an order, as the matching rule takes it."""
    return RestingOrder(
        key=order.client_order_id,
        sequence=order.pk,
        side=Side(order.side),
        type=OrderType(order.type),
        time_in_force=TimeInForce(order.time_in_force),
        quantity=order.remaining_quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        is_triggered=order.is_triggered,
        expires_at=order.expires_at,
        post_only=order.post_only,
        trail_amount=order.trail_amount,
        trail_percent=order.trail_percent,
        best_price=order.best_price,
    )


def _venue_order(order: PaperOrder, traded: Decimal | None) -> VenueOrder:
    status = _STATUS[PaperOrderStatus(order.status)]
    if status is OrderStatus.OPEN and order.filled_quantity:
        status = OrderStatus.PARTIALLY_FILLED
    return VenueOrder(
        client_order_id=order.client_order_id,
        exchange_order_id=f"paper-{order.pk}",
        status=status,
        filled_quantity=order.filled_quantity,
        symbol=order.instrument.symbol,
        side=Side(order.side),
        type=OrderType(order.type),
        quantity=order.quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        average_price=None if traded is None else quantize(traded / order.filled_quantity),
        at=order.created_at,
    )
