"""Placing an order: checked, then committed, and only then sent."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from algotrendy.trading.errors import InvalidOrder, TradingError
from algotrendy.trading.orders import OrderIntent, OrderStatus
from algotrendy.trading.risk import Denied
from algotrendy.trading.values import TimeInForce
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.common.jobs import enqueue
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import latest_candle
from apps.orders import metrics
from apps.orders.models import Order, OrderRole
from apps.orders.services.exposure import risk_check
from apps.orders.services.steps import order_begin, order_step
from apps.portfolio.models import MANUAL_BOOK, Portfolio
from apps.portfolio.services import portfolio_lock
from apps.strategies.models import Signal, Strategy

log = structlog.get_logger(__name__)


class OrderDenied(TradingError):
    """The risk check refused the order; it is kept, denied, with the figures that were compared."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.reason, code=order.reason_code)
        self.order = order
        self.figures: dict[str, str] = order.risk


class ClientOrderIdReused(TradingError):
    """The client order id belongs to an order with another body."""

    code = "client_order_id_reused"


@dataclass(frozen=True, slots=True)
class Placement:
    """An order, and whether this call made it or an identical one before."""

    order: Order
    is_new: bool


@dataclass(frozen=True, slots=True)
class Market:
    """The newest price of an instrument, and the market time at which it was made."""

    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Origin:
    """Who or what an order comes from."""

    book: str = MANUAL_BOOK
    role: OrderRole = OrderRole.MANUAL
    strategy: Strategy | None = None
    signal: Signal | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


def order_place(
    *,
    portfolio: Portfolio,
    instrument: Instrument,
    intent: OrderIntent,
    actor: User,
    client_order_id: str | None = None,
    origin: Origin | None = None,
) -> Placement:
    """Check an order and commit it; a worker then sends it.

    The same client order id with the same body returns the first order. Raises InvalidOrder, OrderDenied (after the
    denied order is committed) and ClientOrderIdReused.
    """
    market = market_of(instrument)
    client_order_id = client_order_id or uuid.uuid4().hex
    try:
        placement = _place(portfolio, instrument, intent, market, client_order_id, origin or Origin(), actor)
    except IntegrityError:
        # The same id came at the same moment for another portfolio, and was quicker: it is known now.
        placement = _place(portfolio, instrument, intent, market, client_order_id, origin or Origin(), actor)
    order = placement.order
    log.info("order_placed", order=str(order.pk), status=order.status, actor=actor.pk, is_new=placement.is_new)
    if order.status == OrderStatus.DENIED:
        raise OrderDenied(order)
    return placement


@transaction.atomic
def _place(
    portfolio: Portfolio,
    instrument: Instrument,
    intent: OrderIntent,
    market: Market,
    client_order_id: str,
    origin: Origin,
    actor: User,
) -> Placement:
    placement = order_commit(
        portfolio=portfolio_lock(portfolio.pk),
        instrument=instrument,
        intent=intent,
        market=market,
        client_order_id=client_order_id,
        origin=origin,
    )
    if not placement.is_new:
        return placement
    order = placement.order
    is_denied = order.status == OrderStatus.DENIED
    action = Action.ORDER_DENIED if is_denied else Action.ORDER_PLACED
    audit(action, user=actor, target=order, order=order.summary, because=order.reason_code)
    if not is_denied:
        enqueue("orders.settle", str(order.pk))
    return placement


def order_commit(
    *,
    portfolio: Portfolio,
    instrument: Instrument,
    intent: OrderIntent,
    market: Market,
    client_order_id: str,
    origin: Origin,
) -> Placement:
    """Write a checked order, pending or denied, inside the caller's transaction and under the portfolio's lock."""
    known = Order.objects.filter(owner_id=portfolio.owner_id, client_order_id=client_order_id).first()
    if known is not None:
        return Placement(_same_or_raise(known, portfolio, instrument, intent), is_new=False)
    _require_tradable(portfolio, instrument)
    intent.validate(instrument.spec, market.price)
    decision = risk_check(
        portfolio=portfolio,
        instrument=instrument,
        book=origin.book,
        intent=intent,
        market_price=market.price,
        role=origin.role,
    )
    order = _build(portfolio, instrument, intent, market, client_order_id, origin)
    metrics.count_order(order)
    if not isinstance(decision, Denied):
        return Placement(order_begin(order=order, detail={"risk": "approved"}), is_new=True)
    order.risk = decision.figures
    order_begin(order=order, detail={"risk": decision.code, **decision.figures})
    order_step(
        order=order,
        kind="denied",
        to=OrderStatus.DENIED,
        reason_code=decision.code,
        reason=decision.message,
        detail=decision.figures,
    )
    metrics.count_denied(decision.code)
    return Placement(order, is_new=True)


def market_of(instrument: Instrument) -> Market:
    """Return the instrument's newest price; raise InvalidOrder while there is none."""
    candle = latest_candle(instrument)
    if candle is None:
        raise InvalidOrder(
            f"There is no price of {instrument} yet; import candles or start a feed first.", code="no_market_price"
        )
    return Market(price=candle.close, at=candle.close_time)


def _build(
    portfolio: Portfolio,
    instrument: Instrument,
    intent: OrderIntent,
    market: Market,
    client_order_id: str,
    origin: Origin,
) -> Order:
    return Order(
        owner_id=portfolio.owner_id,
        portfolio=portfolio,
        instrument=instrument,
        strategy=origin.strategy,
        signal=origin.signal,
        book=origin.book,
        role=origin.role,
        client_order_id=client_order_id,
        side=intent.side,
        type=intent.type,
        status=OrderStatus.PENDING,
        time_in_force=intent.time_in_force,
        quantity=intent.quantity,
        limit_price=intent.limit_price,
        stop_price=intent.stop_price,
        reference_price=market.price,
        reduce_only=intent.reduce_only,
        stop_loss=intent.stop_loss,
        take_profit=intent.take_profit,
        active_from=market.at,
        expires_at=_end_of(intent, market),
        metadata=origin.metadata,
    )


def _end_of(intent: OrderIntent, market: Market) -> datetime | None:
    """Return when the order expires: a day order at the end of the market's UTC day."""
    if intent.time_in_force is not TimeInForce.DAY:
        return intent.expires_at
    return datetime.combine(market.at.astimezone(UTC).date() + timedelta(days=1), time(), tzinfo=UTC)


def _require_tradable(portfolio: Portfolio, instrument: Instrument) -> None:
    if not instrument.is_active:
        raise InvalidOrder(f"{instrument} is not active; choose an active instrument.", code="instrument_inactive")
    if not portfolio.connection.is_active:
        raise InvalidOrder(
            f"The connection {portfolio.connection} is switched off; switch it on first.", code="connection_inactive"
        )
    if instrument.quote_currency != portfolio.base_currency:
        raise InvalidOrder(
            f"{instrument} is quoted in {instrument.quote_currency}, the portfolio is in {portfolio.base_currency}.",
            code="currency_mismatch",
        )


def _same_or_raise(known: Order, portfolio: Portfolio, instrument: Instrument, intent: OrderIntent) -> Order:
    same_place = known.portfolio_id == portfolio.pk and known.instrument_id == instrument.pk
    fields = ["side", "type", "quantity", "limit_price", "stop_price", "time_in_force", "reduce_only"]
    fields += ["stop_loss", "take_profit"]
    same_body = all(getattr(known, name) == getattr(intent, name) for name in fields)
    if intent.time_in_force is TimeInForce.GTD:
        same_body = same_body and known.expires_at == intent.expires_at
    if not (same_place and same_body):
        raise ClientOrderIdReused(
            f"Client order id {known.client_order_id} belongs to another order; use a new id for a new order."
        )
    return known
