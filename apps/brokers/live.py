"""Whether a connection may trade, as far as it is real money: three switches, each of another person's or kind."""

from __future__ import annotations

from django.conf import settings

from algotrendy.trading.errors import TradingError
from apps.brokers.models import BrokerConnection


class LiveRefused(TradingError):
    """Real money is not traded: one of the three switches is off."""

    code = "live_trading_off"


def require_live(connection: BrokerConnection) -> None:
    """Raise LiveRefused unless the platform and the owner may trade real money."""
    if not settings.LIVE_TRADING:
        raise LiveRefused("This platform does not trade real money: LIVE_TRADING is off.")
    if not connection.owner.may_trade_live:
        raise LiveRefused(
            f"{connection.owner.username} may not trade real money: an administrator grants it.",
            code="user_may_not_trade_live",
        )


def require_may_trade(connection: BrokerConnection) -> None:
    """Raise LiveRefused for an exchange connection that is off, or past its test network while any switch is off."""
    if not connection.is_active:
        raise LiveRefused(f"Connection {connection.name} is switched off.", code="connection_off")
    if connection.is_paper or connection.sandbox:
        return
    if not connection.is_live:
        raise LiveRefused(
            f"Connection {connection.name} is neither on a test network nor live; switch one of them on.",
            code="connection_not_live",
        )
    require_live(connection)
