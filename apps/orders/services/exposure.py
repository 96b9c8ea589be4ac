"""What the risk check looks at: the account as it would be if every working order were filled."""

from __future__ import annotations

from decimal import Decimal

from algotrendy.trading.errors import InvalidOrder
from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.risk import AccountSnapshot, Approved, Denied, OrderEffect, check_order
from algotrendy.trading.values import ZERO, Side
from apps.marketdata.models import Instrument
from apps.orders.models import Order
from apps.orders.selectors import working_orders
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.selectors import equity_with, open_positions

type Book = tuple[int, str]


def risk_check(
    *, portfolio: Portfolio, instrument: Instrument, book: str, intent: OrderIntent, market_price: Decimal
) -> Approved | Denied:
    """Hold an order against the portfolio's limits; the caller holds the portfolio's lock, so that none slips past."""
    positions = {(position.instrument_id, position.book): position for position in open_positions(portfolio)}
    here = (instrument.pk, book)
    held = positions[here].quantity if here in positions else ZERO
    _require_reduction(intent, held)
    effect = order_effect(instrument=instrument, intent=intent, held=held, price=intent.value_price(market_price))
    promised = _promised(portfolio, positions)
    values = {key: abs(position.market_value) for key, position in positions.items()}
    account = AccountSnapshot(
        equity=equity_with(portfolio, positions.values()),
        exposure=sum(values.values(), ZERO) + sum(promised.values(), ZERO),
        open_positions=len(positions.keys() | promised.keys()),
        position_value=values.get(here, ZERO) + promised.get(here, ZERO),
    )
    return check_order(portfolio.risk_profile.limits, account, effect)


def order_effect(*, instrument: Instrument, intent: OrderIntent, held: Decimal, price: Decimal) -> OrderEffect:
    """Split an order into what it closes of the held signed quantity and what it opens, as values at `price`."""
    closing = min(intent.quantity, abs(held)) if held * intent.side.sign < 0 else ZERO
    spec = instrument.spec
    return OrderEffect(
        opening_value=spec.notional(price, intent.quantity - closing),
        closing_value=spec.notional(price, closing),
        opens_position=held == 0,
    )


def _require_reduction(intent: OrderIntent, held: Decimal) -> None:
    if intent.reduce_only and (held * intent.side.sign >= 0 or intent.quantity > abs(held)):
        raise InvalidOrder(
            f"A reduce-only {intent.side} of {intent.quantity:f} would do more than close the {abs(held):f} held.",
            code="reduce_only_would_open",
        )


def _promised(portfolio: Portfolio, positions: dict[Book, Position]) -> dict[Book, Decimal]:
    """Return, for each book, the value of the working orders that would open or add to its position."""
    promised: dict[Book, Decimal] = {}
    orders = working_orders().filter(portfolio=portfolio, reduce_only=False).select_related("instrument")
    for order in orders:
        key = (order.instrument_id, order.book)
        held = positions[key].quantity if key in positions else ZERO
        against = abs(held) if held * Side(order.side).sign < 0 else ZERO
        opening = max(order.remaining_quantity - against, ZERO)
        if opening:
            promised[key] = promised.get(key, ZERO) + _value(order, opening)
    return promised


def _value(order: Order, quantity: Decimal) -> Decimal:
    price = order.limit_price or order.stop_price or order.reference_price
    return order.instrument.spec.notional(price, quantity)
