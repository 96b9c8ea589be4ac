"""Placing an order: checked, then committed, and only then sent."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from algotrendy.trading.errors import InvalidOrder, TradingError
from algotrendy.trading.orders import OrderIntent, OrderStatus, quantity_for
from algotrendy.trading.risk import Approved, Denied
from algotrendy.trading.values import OrderType, TimeInForce
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.common.gathering import gathered
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import latest_candle
from apps.orders import metrics
from apps.orders.models import Order, OrderClass, OrderRole
from apps.orders.services.entry.admitting import tradable_require
from apps.orders.services.entry.exposure import risk_check
from apps.orders.services.entry.repeating import known_order, plain, same_order_require
from apps.orders.services.holdings.protecting import rests_at_venue
from apps.orders.services.steps.stepping import order_begin, order_step, send_soon
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
@gathered()
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
    if order.status == OrderStatus.PENDING:
        send_soon(order)
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
    """Write a checked order, pending, held or denied, inside the caller's transaction and under the portfolio's lock.

    An order that its venue cannot rest is held until the platform sees its price.
    """
    order_class = class_of(intent)
    if (known := known_order(portfolio, client_order_id)) is not None:
        same = same_order_require(
            known=known,
            portfolio=portfolio,
            instrument=instrument,
            intent=intent,
            order_class=order_class,
            metadata=origin.metadata,
        )
        return Placement(same, is_new=False)
    tradable_require(portfolio=portfolio, instrument=instrument)
    intent = sized(intent, instrument, market)
    intent.validate(instrument.spec, market.price, market.at)
    decision = risk_check(
        portfolio=portfolio,
        instrument=instrument,
        book=origin.book,
        intent=intent,
        market_price=market.price,
        role=origin.role,
    )
    order = order_build(portfolio, instrument, intent, market, client_order_id, origin)
    order.order_class = order_class
    return Placement(order_write(order=order, decision=decision), is_new=True)


def order_write(*, order: Order, decision: Approved | Denied, waits_for: str = "") -> Order:
    """Save a new order as the risk check has decided: to be sent, denied, or held for what it waits for."""
    metrics.count_order(order)
    asked = {"quantity": plain(order.quantity)}
    if isinstance(decision, Denied):
        order.risk = decision.figures
        order_begin(order=order, detail={**asked, "risk": decision.code, **decision.figures})
        return order_deny(order=order, denied=decision)
    waits_for = waits_for or trigger_waited_for(order)
    if waits_for:
        order.status = OrderStatus.HELD
    order_begin(order=order, detail={**asked, "risk": "approved"})
    return order_step(order=order, kind="held", detail={"waits_for": waits_for}) if waits_for else order


def order_deny(*, order: Order, denied: Denied) -> Order:
    """Take the risk check's refusal as the end of a pending order."""
    metrics.count_denied(denied.code)
    order.risk = denied.figures
    return order_step(
        order=order,
        kind="denied",
        to=OrderStatus.DENIED,
        reason_code=denied.code,
        reason=denied.message,
        detail=denied.figures,
    )


def trigger_waited_for(order: Order) -> str:
    """Say what an order waits for that its venue does not rest; nothing where it does."""
    if rests_at_venue(order, is_pair=bool(order.oco_group)):
        return ""
    return f"its trigger: the venue does not rest {OrderType(order.type).replace('_', '-')} orders of this kind"


def class_of(intent: OrderIntent) -> OrderClass:
    """Return the class of a single order: one that names a stop or a target is a bracket."""
    is_bracket = intent.stop_loss is not None or intent.take_profit is not None
    return OrderClass.BRACKET if is_bracket else OrderClass.SIMPLE


def sized(intent: OrderIntent, instrument: Instrument, market: Market) -> OrderIntent:
    """Return the intent with the quantity that its notional comes to at the price it is judged at."""
    if intent.notional is None:
        return intent
    spec, price = instrument.spec, intent.value_price(market.price)
    quantity = quantity_for(intent.notional, price, spec)
    if quantity < spec.min_quantity:
        raise InvalidOrder(
            f"{intent.notional:f} {spec.quote_currency} at {price:f} come to less than the least that {spec.symbol} "
            f"trades, {spec.min_quantity.normalize():f}.",
            code="notional_too_small",
        )
    return replace(intent, quantity=quantity)


def market_of(instrument: Instrument) -> Market:
    """Return the instrument's newest price; raise InvalidOrder while there is none."""
    candle = latest_candle(instrument)
    if candle is None:
        raise InvalidOrder(
            f"There is no price of {instrument} yet; import candles or start a feed first.", code="no_market_price"
        )
    return Market(price=candle.close, at=candle.close_time)


def order_build(
    portfolio: Portfolio,
    instrument: Instrument,
    intent: OrderIntent,
    market: Market,
    client_order_id: str,
    origin: Origin,
) -> Order:
    """Return a pending order, not yet saved."""
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
        notional=intent.notional,
        post_only=intent.post_only,
        trail_amount=intent.trail_amount,
        trail_percent=intent.trail_percent,
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
