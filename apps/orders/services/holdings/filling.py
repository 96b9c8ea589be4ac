"""What a venue reports, applied exactly once: to the order, the position, the cash and the orders that protect it.

A fill is never refused: one that is late, that comes after the order's end, or is more than was ordered is the venue's
truth, which the order follows.
"""

from __future__ import annotations

from decimal import Decimal

import structlog
from django.db import transaction

from algotrendy.trading.broker import ExecutionReport, ReportKind
from algotrendy.trading.errors import InvalidTransition
from algotrendy.trading.orders import OrderStatus, status_after_fill
from algotrendy.trading.values import Side, quantize
from apps.alerts.models import Severity
from apps.brokers.models import BrokerConnection, MarketType
from apps.common.events import publish
from apps.common.gathering import row_add
from apps.orders import metrics
from apps.orders.models import Fill, Order
from apps.orders.services.holdings.accounts import Account
from apps.orders.services.holdings.cooldown import cooldown_check
from apps.orders.services.holdings.protecting import legs_create, legs_realign
from apps.orders.services.steps.notices import order_notice
from apps.orders.services.steps.stepping import order_step
from apps.orders.services.venue.inferring import inferred_confirm
from apps.portfolio.services import FillOutcome, fill_apply

log = structlog.get_logger(__name__)


@transaction.atomic
def report_apply(*, connection: BrokerConnection, report: ExecutionReport, is_inferred: bool = False) -> Order | None:
    """Apply one report; a repeated one changes nothing. Return the order, None where the platform does not know it."""
    return report_take(account=Account(connection), report=report, is_inferred=is_inferred)


def report_take(
    *, account: Account, report: ExecutionReport, is_inferred: bool = False, is_new: bool = False
) -> Order | None:
    """Apply one of several reports on an account, within the caller's transaction.

    `is_new` says that the report cannot have been applied before: the caller has made it in this transaction.
    """
    order = account.order(report.client_order_id)
    if order is None:
        log.warning("report_of_unknown_order", client_order_id=report.client_order_id, kind=report.kind)
        return None
    match report.kind:
        case ReportKind.FILLED:
            left = (report.trade_id, report) if is_new else _not_yet_applied(order, account, report, is_inferred)
            return order if left is None else _fill(order, account, *left, is_inferred=is_inferred)
        case ReportKind.CANCELED | ReportKind.EXPIRED:
            return _end(order, report)
        case ReportKind.TRIGGERED:
            return order_step(order=order, kind="triggered", detail={"at": report.at.isoformat()})
        case ReportKind.REDUCED:
            return _reduce(order, report)


def _not_yet_applied(
    order: Order, account: Account, report: ExecutionReport, is_inferred: bool
) -> tuple[str, ExecutionReport] | None:
    """Return what of a fill is to be applied still, and the id to keep it under; None where nothing is."""
    trade_id = _free_trade_id(order, account.connection, report.trade_id)
    if trade_id is None or is_inferred or order.portfolio.is_simulation:
        return None if trade_id is None else (trade_id, report)
    left = inferred_confirm(order=order, report=report, trade_id=trade_id)
    if left is None:
        return None
    return (trade_id, report) if left is report else (left.trade_id, left)


def _fill(order: Order, account: Account, trade_id: str, report: ExecutionReport, *, is_inferred: bool) -> Order:
    outcome = fill_apply(
        portfolio=order.portfolio,
        instrument=order.instrument,
        book=order.book,
        held=account.position(order),
        side=Side(order.side),
        price=report.price,
        quantity=_held_quantity(order, account.connection, report),
        fee=report.fee,
        at=report.at,
    )
    account.position_keep(order, outcome.position)
    fill = _write_fill(order, account.connection, report, outcome, trade_id, is_inferred=is_inferred)
    _advance(order, report, fill)
    cooldown_check(order=order, at=report.at)
    legs_realign(filled=order, closing=account.closing_orders(order), outcome=outcome)
    if outcome.opened and legs_create(entry=order, outcome=outcome, report=report):
        account.closing_orders_come(order)
    metrics.count_fill(order)
    if outcome.ended:
        metrics.count_closed(order)
    return order


def _free_trade_id(order: Order, connection: BrokerConnection, trade_id: str) -> str | None:
    """Return the id to keep a trade under; None where it is known.

    Both sides of a trade with oneself carry one id, and some venues give all orders of a match the same: then the order
    makes it unique.
    """
    own = f"{trade_id[:86]}:{order.pk.hex[:12]}"
    known = dict(
        Fill.objects.filter(connection=connection, exchange_trade_id__in=[trade_id, own]).values_list(
            "exchange_trade_id", "order_id"
        )
    )
    if not known:
        return trade_id
    return None if own in known or known[trade_id] == order.pk else own


def _held_quantity(order: Order, connection: BrokerConnection, report: ExecutionReport) -> Decimal:
    """Return what the account holds more or less by a fill: on spot, a fee in the base currency is taken from it."""
    is_from_base = (
        report.venue_fee != 0
        and connection.market_type == MarketType.SPOT
        and report.venue_fee_currency == order.instrument.base_currency
    )
    if not is_from_base or order.side == Side.SELL or report.venue_fee >= report.quantity:
        return report.quantity
    return report.quantity - quantize(report.venue_fee)


def _write_fill(
    order: Order,
    connection: BrokerConnection,
    report: ExecutionReport,
    outcome: FillOutcome,
    trade_id: str,
    *,
    is_inferred: bool,
) -> Fill:
    fill = Fill(
        order=order,
        connection=connection,
        position=outcome.position,
        exchange_trade_id=trade_id,
        side=order.side,
        price=report.price,
        quantity=report.quantity,
        quote_quantity=order.instrument.spec.notional(report.price, report.quantity),
        fee=report.fee,
        fee_currency=order.instrument.quote_currency,
        venue_fee=report.venue_fee if report.venue_fee_currency else None,
        venue_fee_currency=report.venue_fee_currency,
        is_inferred=is_inferred,
        realized_pnl=outcome.realized,
        executed_at=report.at,
    )
    row_add(fill)
    if not order.portfolio.is_simulation:
        _publish(fill, order)
    return fill


def _advance(order: Order, report: ExecutionReport, fill: Fill) -> None:
    before = OrderStatus(order.status)
    order.filled_quantity += report.quantity
    order.filled_value += fill.quote_quantity
    order.fees_paid += report.fee
    order.average_fill_price = quantize(order.filled_value / (order.filled_quantity * order.instrument.contract_size))
    detail = {
        "trade_id": fill.exchange_trade_id,
        "price": f"{report.price:f}",
        "quantity": f"{report.quantity:f}",
        "fee": f"{report.fee:f}",
        "at": report.at.isoformat(),
    }
    if fill.is_inferred:
        detail["inferred"] = "from the order's state at the venue"
    if order.filled_quantity > order.quantity:
        detail["ordered"] = f"{order.quantity:f}"
        order_notice(
            order,
            f"The venue filled {order.filled_quantity:f} of an order of {order.quantity:f}: {order.summary}. The order "
            "and the position follow the venue.",
            Severity.CRITICAL,
        )
        order.quantity = order.filled_quantity
    status = _status_after(order, before)
    if before.is_terminal and status.is_working:
        order.closed_at = None
    order_step(order=order, kind="filled", to=status, detail=detail)
    if before in (OrderStatus.REJECTED, OrderStatus.DENIED, OrderStatus.CANCELED, OrderStatus.EXPIRED):
        order_notice(order, f"The venue filled an order that was {before}: {order.summary}. The position follows it.")


def _status_after(order: Order, before: OrderStatus) -> OrderStatus:
    """Return the order's status once it was filled; one that has no way to a fill keeps what it was."""
    if before in (OrderStatus.PENDING, OrderStatus.HELD):
        # It was sent after all, by a worker or a database that is no more.
        for passed in (OrderStatus.PENDING, OrderStatus.SUBMITTED):
            if order.status != passed:
                order_step(order=order, kind=passed.value, to=passed)
        before = OrderStatus(order.status)
    if before is OrderStatus.FILLED:
        return before
    try:
        return status_after_fill(before, order.quantity, order.filled_quantity)
    except InvalidTransition:
        return before


def _end(order: Order, report: ExecutionReport) -> Order:
    if not OrderStatus(order.status).is_working:
        return order
    to = OrderStatus.CANCELED if report.kind is ReportKind.CANCELED else OrderStatus.EXPIRED
    return order_step(
        order=order,
        kind=to.value,
        to=to,
        reason_code=f"venue_{to.value}" if report.reason else "",
        reason=report.reason,
    )


def _reduce(order: Order, report: ExecutionReport) -> Order:
    """Take over the quantity that the venue has lowered; a still lower one that is asked for stays asked for."""
    if not OrderStatus(order.status).is_working or report.quantity >= order.quantity:
        return order
    order.quantity = report.quantity
    if order.requested_quantity is not None and order.requested_quantity >= report.quantity:
        order.requested_quantity = None
    return order_step(order=order, kind="reduced", detail={"quantity": f"{report.quantity:f}"})


def _publish(fill: Fill, order: Order) -> None:
    data = {
        "order": str(order.pk),
        "symbol": order.instrument.symbol,
        "side": fill.side,
        "price": f"{fill.price:f}",
        "quantity": f"{fill.quantity:f}",
        "fee": f"{fill.fee:f}",
        "realized_pnl": f"{fill.realized_pnl:f}",
        "at": fill.executed_at.isoformat(),
    }
    publish("fills", data, owner_id=order.owner_id)
