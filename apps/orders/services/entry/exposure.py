"""What the risk check looks at: the account as it would be if every working order were filled."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone

from algotrendy.trading.errors import InvalidOrder
from algotrendy.trading.orders import WORKING, OrderIntent, OrderStatus
from algotrendy.trading.risk import AccountSnapshot, Approved, Denied, OrderEffect, RiskLimits, TradingMode, check_order
from algotrendy.trading.values import ZERO, Side
from apps.common.prepared import Given, Prepared
from apps.marketdata.models import Instrument
from apps.orders.models import Order, OrderClass, OrderRole
from apps.orders.selectors import PROTECTIVE, working_orders
from apps.orders.services.entry.halting import SENT_ANYWAY
from apps.portfolio.halting import trading_mode
from apps.portfolio.limiting import limits_of
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.selectors import equity_with, open_positions

type Book = tuple[int, str]
MINUTE = timedelta(minutes=1)
NOT_COUNTED = (*PROTECTIVE, OrderRole.FLATTEN, OrderRole.LIQUIDATION, OrderRole.EXTERNAL)
"""What the platform or the venue places by itself, which takes nothing of the order rate."""


def risk_check(
    *,
    portfolio: Portfolio,
    instrument: Instrument,
    book: str,
    intent: OrderIntent,
    market_price: Decimal,
    role: OrderRole = OrderRole.MANUAL,
    instead_of: Order | None = None,
) -> Approved | Denied:
    """Hold an order against halts and limits; the caller holds the portfolio's lock, so that none slips past.

    `instead_of` is the order in whose place it comes, which is therefore not counted.
    """
    positions = {(position.instrument_id, position.book): position for position in open_positions(portfolio)}
    here = (instrument.pk, book)
    held = positions[here].quantity if here in positions else ZERO
    _require_reduction(intent, held)
    effect = order_effect(
        instrument=instrument, intent=intent, held=held, market_price=market_price, passes_halts=role in SENT_ANYWAY
    )
    limits = limits_of(portfolio)
    account = _account(portfolio, here, positions, limits, None if instead_of is None else instead_of.pk)
    return check_order(limits, account, effect)


def order_effect(
    *, instrument: Instrument, intent: OrderIntent, held: Decimal, market_price: Decimal, passes_halts: bool = False
) -> OrderEffect:
    """Split an order into what it closes of the held signed quantity and what it opens, as values at its price."""
    closing = min(intent.quantity, abs(held)) if held * intent.side.sign < 0 else ZERO
    spec, price = instrument.spec, intent.value_price(market_price)
    return OrderEffect(
        opening_value=spec.notional(price, intent.quantity - closing),
        closing_value=spec.notional(price, closing),
        opens_position=held == 0,
        symbol=instrument.symbol,
        prices=tuple(own for own in (intent.limit_price, intent.stop_price) if own is not None),
        last_price=market_price,
        passes_halts=passes_halts,
    )


def _account(
    portfolio: Portfolio,
    here: Book,
    positions: dict[Book, Position],
    limits: RiskLimits,
    replaced_id: uuid.UUID | None,
) -> AccountSnapshot:
    promised = _promised(portfolio, positions, replaced_id)
    values = {key: abs(position.market_value) for key, position in positions.items()}
    decision = trading_mode(portfolio, here[1])
    is_counted = limits.enabled and limits.max_orders_per_minute is not None and decision.mode is TradingMode.ACTIVE
    return AccountSnapshot(
        equity=equity_with(portfolio, positions.values()),
        exposure=sum(values.values(), ZERO) + sum(promised.values(), ZERO),
        open_positions=len(positions.keys() | promised.keys()),
        position_value=values.get(here, ZERO) + promised.get(here, ZERO),
        orders_last_minute=_orders_last_minute(portfolio) if is_counted else 0,
        mode=decision.mode,
        halt_reason=decision.reason,
    )


def _require_reduction(intent: OrderIntent, held: Decimal) -> None:
    if intent.reduce_only and (held * intent.side.sign >= 0 or intent.quantity > abs(held)):
        raise InvalidOrder(
            f"A reduce-only {intent.side} of {intent.quantity:f} would do more than close the {abs(held):f} held.",
            code="reduce_only_would_open",
        )


def _orders_last_minute(portfolio: Portfolio) -> int:
    """Count what was placed and not denied: who is refused for the rate may go on as soon as it has fallen."""
    recent = Order.objects.filter(portfolio=portfolio, created_at__gt=timezone.now() - MINUTE)
    return recent.exclude(status=OrderStatus.DENIED).exclude(role__in=NOT_COUNTED).count()


def _promised(
    portfolio: Portfolio, positions: dict[Book, Position], replaced_id: uuid.UUID | None
) -> dict[Book, Decimal]:
    """Return, for each book, the value of the working orders that would open or add to its position.

    Of an order and the held one that is to come in its place only the greater counts: never both are at the venue.
    What waits for the fill of another is checked when that has come, and counts from then on.
    """
    orders = {order.pk: order for order in _OPENING(portfolio=portfolio.pk)}
    promised: dict[Book, Decimal] = {}
    for versions in _by_place(orders):
        if any(order.pk == replaced_id for order in versions):
            continue
        key = (versions[0].instrument_id, versions[0].book)
        held = positions[key].quantity if key in positions else ZERO
        value = max(_opening_value(order, held, orders) for order in versions)
        if value:
            promised[key] = promised.get(key, ZERO) + value
    return promised


def _opening() -> QuerySet[Order]:
    rows = working_orders().filter(portfolio=Given("portfolio"), reduce_only=False).select_related("instrument")
    return rows.exclude(status=OrderStatus.HELD, order_class=OrderClass.OTO, parent__status__in=WORKING)


_OPENING = Prepared(_opening)


def _by_place(orders: dict[uuid.UUID, Order]) -> Iterable[list[Order]]:
    """Return the orders of which each later one is to come in the place of the one before, together."""
    places: dict[uuid.UUID, list[Order]] = defaultdict(list)
    for order in orders.values():
        first = order
        while first.replaces_id in orders and first.status == OrderStatus.HELD:
            first = orders[first.replaces_id]
        places[first.pk].append(order)
    return places.values()


def _opening_value(order: Order, held: Decimal, orders: dict[uuid.UUID, Order]) -> Decimal:
    remaining = order.remaining_quantity
    if order.status == OrderStatus.HELD and order.replaces_id in orders:
        # It asks for as much in all as is to be filled, of which its predecessor has done a part.
        remaining -= orders[order.replaces_id].filled_quantity
    against = abs(held) if held * Side(order.side).sign < 0 else ZERO
    opening = max(remaining - against, ZERO)
    price = order.limit_price or order.stop_price or order.reference_price
    return order.instrument.spec.notional(price, opening) if opening else ZERO
