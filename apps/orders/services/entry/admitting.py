"""What must be so before any order is taken: an active market and connection, and leave to use real money."""

from __future__ import annotations

from algotrendy.trading.errors import InvalidOrder
from apps.brokers.live import require_may_trade
from apps.marketdata.models import Instrument
from apps.portfolio.models import Portfolio


def tradable_require(*, portfolio: Portfolio, instrument: Instrument) -> None:
    """Raise InvalidOrder or LiveRefused where the portfolio cannot trade the instrument at all."""
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
    require_may_trade(portfolio.connection)
