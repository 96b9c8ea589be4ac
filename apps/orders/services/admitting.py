"""What must be so before any order is taken or sent: an active market and connection, and leave to use real money."""

from __future__ import annotations

from django.conf import settings

from algotrendy.trading.errors import InvalidOrder, TradingError
from apps.accounts.models import User
from apps.brokers.models import BrokerConnection
from apps.marketdata.models import Instrument
from apps.portfolio.models import Portfolio


class LiveTradingRefused(TradingError):
    """Real money needs the platform's setting, the connection's flag and the user's permission, all three."""

    code = "live_trading_off"


def tradable_require(*, portfolio: Portfolio, instrument: Instrument) -> None:
    """Raise InvalidOrder or LiveTradingRefused where the portfolio cannot trade the instrument at all."""
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
    if not portfolio.connection.is_paper:
        live_trading_require(connection=portfolio.connection, owner=portfolio.owner)


def live_trading_require(*, connection: BrokerConnection, owner: User) -> None:
    """Raise LiveTradingRefused unless the owner's orders may go to the connection's venue; paper and tests always may.

    To be asked again before an order is sent: each of the three may have been taken back since it was placed.
    """
    if connection.is_paper or (connection.sandbox and not connection.is_live):
        return
    if not connection.is_live:
        raise LiveTradingRefused(
            f"The connection {connection} goes to the real exchange but is not marked as live; mark it, or use its "
            "sandbox.",
            code="connection_not_live",
        )
    if not settings.LIVE_TRADING:
        raise LiveTradingRefused(
            f"The connection {connection} trades real money, which is switched off on this platform (LIVE_TRADING)."
        )
    if not owner.may_trade_live:
        raise LiveTradingRefused(
            f"The connection {connection} trades real money, which {owner.get_username()} may not; an administrator "
            "can permit it.",
            code="user_may_not_trade_live",
        )
