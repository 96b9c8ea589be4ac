"""Fills that a venue has not listed though it says that they were: made from the order's state, until they turn up.

They are made only of orders that have ended at the venue: what is listed later can then be nothing else, and takes the
inferred fill's place instead of counting again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from algotrendy.trading.broker import ExecutionReport, ReportKind, VenueOrder
from algotrendy.trading.values import ZERO, Side, quantize
from apps.orders.models import Fill, Order
from apps.orders.services.steps.stepping import order_step
from apps.portfolio.services.correcting import money_correct


def inferred_report(order: Order, venue_order: VenueOrder, at: datetime) -> ExecutionReport | None:
    """Return the fill that is missing between what the venue says was filled and what it has listed; None for none."""
    missing = venue_order.filled_quantity - order.filled_quantity
    if missing <= 0:
        return None
    number = order.events.filter(kind="filled", detail__has_key="inferred").count() + 1
    reference = venue_order.exchange_order_id or order.exchange_order_id or order.pk.hex
    return ExecutionReport(
        kind=ReportKind.FILLED,
        client_order_id=order.client_order_id,
        at=venue_order.at or at,
        trade_id=f"{order.instrument.symbol}:inferred-{reference}-{number}"[:100],
        price=_missing_price(order, venue_order, missing),
        quantity=missing,
    )


def _missing_price(order: Order, venue_order: VenueOrder, missing: Decimal) -> Decimal:
    """Return the price at which the missing part makes the venue's average of the whole."""
    own: Decimal = order.limit_price or order.stop_price or order.reference_price
    if not venue_order.average_price:
        return own
    known = order.filled_value / order.instrument.contract_size
    price = quantize((venue_order.average_price * venue_order.filled_quantity - known) / missing)
    return price if price > 0 else venue_order.average_price


def inferred_confirm(*, order: Order, report: ExecutionReport, trade_id: str) -> ExecutionReport | None:
    """Let a listed trade take the place of what was inferred; return what of it is still to be applied.

    Quantity that was inferred is not traded again: only its price and fee are put right. The caller holds the locks of
    portfolio and order.
    """
    inferred = list(Fill.objects.filter(order=order, is_inferred=True).select_related("position").order_by("pk"))
    if not inferred:
        return report
    covered = min(sum((fill.quantity for fill in inferred), ZERO), report.quantity)
    part = replace(report, quantity=covered, fee=quantize(report.fee * covered / report.quantity))
    assumed, realized = ZERO, ZERO
    left = covered
    for fill in inferred:
        taken = min(fill.quantity, left)
        left -= taken
        value, pnl = _take(order, fill, taken)
        assumed, realized = assumed + value, realized + pnl
    _book(order, inferred[0], part, trade_id, assumed, realized)
    rest = report.quantity - covered
    return replace(report, quantity=rest, fee=report.fee - part.fee, trade_id=f"{trade_id}:rest") if rest else None


def _take(order: Order, fill: Fill, quantity: Decimal) -> tuple[Decimal, Decimal]:
    """Take a quantity out of an inferred fill; return its value and what it had realized."""
    if not quantity:
        return ZERO, ZERO
    value = order.instrument.spec.notional(fill.price, quantity)
    realized = quantize(fill.realized_pnl * quantity / fill.quantity)
    fill.quantity -= quantity
    fill.quote_quantity -= value
    fill.realized_pnl -= realized
    if fill.quantity:
        fill.save()
    else:
        fill.delete()
    return value, realized


def _book(
    order: Order, inferred: Fill, report: ExecutionReport, trade_id: str, assumed: Decimal, realized: Decimal
) -> None:
    value = order.instrument.spec.notional(report.price, report.quantity)
    better = Side(order.side).sign * (assumed - value)
    position = inferred.position
    if position is not None:
        position.refresh_from_db()
    money_correct(portfolio=order.portfolio, position=position, value=better, fee=report.fee)
    Fill.objects.create(
        order=order,
        connection=inferred.connection,
        position=position,
        exchange_trade_id=trade_id,
        side=order.side,
        price=report.price,
        quantity=report.quantity,
        quote_quantity=value,
        fee=report.fee,
        fee_currency=order.instrument.quote_currency,
        venue_fee=report.venue_fee if report.venue_fee_currency else None,
        venue_fee_currency=report.venue_fee_currency,
        realized_pnl=realized + better,
        executed_at=report.at,
    )
    order.filled_value += value - assumed
    order.fees_paid += report.fee
    order.average_fill_price = quantize(order.filled_value / (order.filled_quantity * order.instrument.contract_size))
    order_step(
        order=order,
        kind="fill_confirmed",
        detail={
            "trade_id": trade_id,
            "price": f"{report.price:f}",
            "quantity": f"{report.quantity:f}",
            "fee": f"{report.fee:f}",
        },
    )
