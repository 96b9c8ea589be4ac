"""What the risk check looks at: the account as it would be if every working order were filled."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from algotrendy.trading.errors import InvalidOrder
from algotrendy.trading.orders import OrderIntent, OrderStatus
from algotrendy.trading.risk import AccountSnapshot, Approved, Denied, OrderEffect, RiskLimits, TradingMode, check_order
from algotrendy.trading.values import ZERO
from apps.marketdata.models import Instrument
from apps.orders.models import Order, OrderRole
from apps.orders.selectors import PROTECTIVE
from apps.orders.services.entry.halting import SENT_ANYWAY
from apps.orders.services.entry.promising import Book, promised_values
from apps.portfolio.halting import trading_mode
from apps.portfolio.limiting import limits_of
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.selectors import equity_with, open_positions

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
    promised = promised_values(portfolio, positions, replaced_id)
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
