"""What a venue reports, applied exactly once: to the order, the position, the cash and the orders that protect it."""

from __future__ import annotations

import structlog
from django.db import IntegrityError, transaction

from algotrendy.trading.broker import ExecutionReport, ReportKind
from algotrendy.trading.orders import OrderStatus, status_after_fill
from algotrendy.trading.values import Side, quantize
from apps.brokers.models import BrokerConnection
from apps.common.events import publish
from apps.orders import metrics
from apps.orders.models import Fill, Order
from apps.orders.services.protecting import legs_create, legs_realign
from apps.orders.services.steps import order_lock, order_step
from apps.portfolio.services import FillOutcome, fill_apply, portfolio_lock

log = structlog.get_logger(__name__)


@transaction.atomic
def report_apply(*, connection: BrokerConnection, report: ExecutionReport) -> Order | None:
    """Apply one report; a repeated one changes nothing. Return the order, None where the platform does not know it."""
    found = (
        Order.objects.filter(portfolio__connection=connection, client_order_id=report.client_order_id)
        .values_list("pk", "portfolio_id")
        .first()
    )
    if found is None:
        log.warning("report_of_unknown_order", client_order_id=report.client_order_id, kind=report.kind)
        return None
    order_id, portfolio_id = found
    portfolio = portfolio_lock(portfolio_id)
    order = order_lock(order_id)
    order.portfolio = portfolio
    match report.kind:
        case ReportKind.FILLED:
            return _fill(order, connection, report)
        case ReportKind.CANCELED | ReportKind.EXPIRED:
            return _end(order, report)
        case ReportKind.TRIGGERED:
            return order_step(order=order, kind="triggered", detail={"at": report.at.isoformat()})


def _fill(order: Order, connection: BrokerConnection, report: ExecutionReport) -> Order:
    if Fill.objects.filter(connection=connection, exchange_trade_id=report.trade_id).exists():
        return order
    outcome = fill_apply(
        portfolio=order.portfolio,
        instrument=order.instrument,
        book=order.book,
        side=Side(order.side),
        price=report.price,
        quantity=report.quantity,
        fee=report.fee,
        at=report.at,
    )
    fill = _write_fill(order, connection, report, outcome)
    _advance(order, report, fill)
    legs_realign(filled=order, outcome=outcome)
    if outcome.opened:
        legs_create(entry=order, outcome=outcome, report=report)
    metrics.count_fill(order)
    if outcome.ended:
        metrics.count_closed(order)
    return order


def _write_fill(order: Order, connection: BrokerConnection, report: ExecutionReport, outcome: FillOutcome) -> Fill:
    try:
        fill = Fill.objects.create(
            order=order,
            connection=connection,
            position=outcome.position,
            exchange_trade_id=report.trade_id,
            side=order.side,
            price=report.price,
            quantity=report.quantity,
            quote_quantity=order.instrument.spec.notional(report.price, report.quantity),
            fee=report.fee,
            fee_currency=order.instrument.quote_currency,
            realized_pnl=outcome.realized,
            executed_at=report.at,
        )
    except IntegrityError:
        # Another order of this connection carries the trade id: nothing of this report may stand.
        log.exception("trade_id_collides", trade_id=report.trade_id, order=str(order.pk))
        raise
    if not order.portfolio.is_simulation:
        _publish(fill, order)
    return fill


def _advance(order: Order, report: ExecutionReport, fill: Fill) -> None:
    order.filled_quantity += report.quantity
    order.filled_value += fill.quote_quantity
    order.fees_paid += report.fee
    order.average_fill_price = quantize(order.filled_value / (order.filled_quantity * order.instrument.contract_size))
    status = status_after_fill(OrderStatus(order.status), order.quantity, order.filled_quantity)
    detail = {
        "trade_id": report.trade_id,
        "price": f"{report.price:f}",
        "quantity": f"{report.quantity:f}",
        "fee": f"{report.fee:f}",
        "at": report.at.isoformat(),
    }
    order_step(order=order, kind="filled", to=status, detail=detail)


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
