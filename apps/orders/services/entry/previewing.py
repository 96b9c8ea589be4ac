"""What an order would come to, worked out and held against the limits without placing it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.risk import Denied
from algotrendy.trading.values import ZERO, Side
from apps.marketdata.models import Instrument
from apps.orders.services.entry.admitting import tradable_require
from apps.orders.services.entry.exposure import risk_check
from apps.orders.services.entry.placing import market_of, sized
from apps.portfolio.models import MANUAL_BOOK, Portfolio
from apps.portfolio.selectors import equity_with, open_positions, position_held


@dataclass(frozen=True, slots=True)
class Preview:
    """An order as it would be placed now; amounts are in the portfolio's currency, `held` is signed."""

    intent: OrderIntent
    market_price: Decimal
    value: Decimal
    equity: Decimal
    held: Decimal
    held_after: Decimal
    refusal: Denied | None


def order_preview(*, portfolio: Portfolio, instrument: Instrument, intent: OrderIntent) -> Preview:
    """Check an order as placing it would, and write nothing; raises what placing it would, but for a denial.

    What is said holds for now: the check is made again, under the portfolio's lock, when the order is placed.
    """
    tradable_require(portfolio=portfolio, instrument=instrument)
    market = market_of(instrument)
    intent = sized(intent, instrument, market)
    intent.validate(instrument.spec, market.price, market.at)
    decision = risk_check(
        portfolio=portfolio, instrument=instrument, book=MANUAL_BOOK, intent=intent, market_price=market.price
    )
    position = position_held(portfolio, instrument.pk, MANUAL_BOOK)
    held = ZERO if position is None else position.quantity
    return Preview(
        intent=intent,
        market_price=market.price,
        value=instrument.spec.notional(intent.value_price(market.price), intent.quantity),
        equity=equity_with(portfolio, open_positions(portfolio)),
        held=held,
        held_after=held + Side(intent.side).sign * intent.quantity,
        refusal=decision if isinstance(decision, Denied) else None,
    )
