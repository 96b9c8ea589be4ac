"""What the risk check looks at: the account as it would be if every working order were filled."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Q

from algotrendy.trading.errors import InvalidOrder
from algotrendy.trading.orders import WORKING, OrderIntent, OrderStatus
from algotrendy.trading.risk import AccountSnapshot, Approved, Denied, OrderEffect, check_order
from algotrendy.trading.values import ZERO, Side
from apps.marketdata.models import Instrument
from apps.orders.models import Order, OrderClass
from apps.orders.selectors import working_orders
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.selectors import equity_with, open_positions

type Book = tuple[int, str]


def risk_check(
    *,
    portfolio: Portfolio,
    instrument: Instrument,
    book: str,
    intent: OrderIntent,
    market_price: Decimal,
    instead_of: Order | None = None,
) -> Approved | Denied:
    """Hold an order against the portfolio's limits; the caller holds the portfolio's lock, so that none slips past.

    `instead_of` is the order in whose place it comes, which is therefore not counted.
    """
    positions = {(position.instrument_id, position.book): position for position in open_positions(portfolio)}
    here = (instrument.pk, book)
    held = positions[here].quantity if here in positions else ZERO
    _require_reduction(intent, held)
    effect = order_effect(instrument=instrument, intent=intent, held=held, price=intent.value_price(market_price))
    promised = _promised(portfolio, positions, instead_of)
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


def _promised(portfolio: Portfolio, positions: dict[Book, Position], instead_of: Order | None) -> dict[Book, Decimal]:
    """Return, for each book, the value of the working orders that would open or add to its position."""
    promised: dict[Book, Decimal] = {}
    for order in _promising(portfolio, instead_of):
        key = (order.instrument_id, order.book)
        held = positions[key].quantity if key in positions else ZERO
        against = abs(held) if held * Side(order.side).sign < 0 else ZERO
        opening = max(_still_wanted(order) - against, ZERO)
        if opening:
            promised[key] = promised.get(key, ZERO) + _value(order, opening)
    return promised


def _promising(portfolio: Portfolio, instead_of: Order | None) -> list[Order]:
    """Return the working orders that count: of an order and its waiting successor the larger one.

    What waits for the fill of another is checked when that has come, and counts from then on.
    """
    rows = working_orders().filter(portfolio=portfolio, reduce_only=False).select_related("instrument", "replaces")
    waiting = Q(status=OrderStatus.HELD, order_class=OrderClass.OTO, parent__status__in=WORKING)
    orders = {order.pk: order for order in rows.exclude(waiting)}
    if instead_of is not None:
        for key in filter(None, (instead_of.pk, instead_of.replaces_id)):
            orders.pop(key, None)
    for order in list(orders.values()):
        replaced = orders.get(order.replaces_id) if order.replaces_id else None
        if replaced is not None:
            value = _value(order, _still_wanted(order))
            smaller = order if value <= _value(replaced, replaced.remaining_quantity) else replaced
            orders.pop(smaller.pk, None)
    return list(orders.values())


def _still_wanted(order: Order) -> Decimal:
    """Return what an order may still fill; a waiting successor's quantity counts what its predecessor has filled."""
    filled_before = order.replaces.filled_quantity if order.status == OrderStatus.HELD and order.replaces else ZERO
    return max(order.remaining_quantity - filled_before, ZERO)


def _value(order: Order, quantity: Decimal) -> Decimal:
    price = order.limit_price or order.stop_price or order.reference_price
    return order.instrument.spec.notional(price, quantity)
