"""The margin of a position: what is set aside for it, and how much leverage it may have."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from algotrendy.trading.errors import TradingError
from algotrendy.trading.margin import INITIAL_RATE, collateral, liquidation_price
from algotrendy.trading.values import MarginMode
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.brokers.selectors import gateway_of
from apps.portfolio.models import PlatformLimits, Portfolio, Position
from apps.portfolio.services.money import portfolio_lock, position_publish


class LeverageNotAllowed(TradingError):
    """The position cannot have this leverage."""

    code = "leverage_not_allowed"


def margin_refresh(position: Position) -> None:
    """Work out collateral and liquidation price anew; the caller saves the row."""
    position.collateral = collateral(position.cost_basis, position.leverage)
    position.liquidation_price = liquidation_price(position.entry_price, position.state.sign, position.leverage)


def position_leverage_set(
    *, position: Position, leverage: Decimal, margin_mode: MarginMode | None = None, actor: User
) -> Position:
    """Give an open position a leverage, and tell its venue, which decides first.

    Bounded by the portfolio's limits, the platform's and the initial margin. Raises LeverageNotAllowed, BrokerRejected
    where the venue has no leverage, and BrokerUnavailable; then nothing has changed here.
    """
    _require_allowed(position, leverage, margin_mode)
    gateway_of(position.portfolio.connection).set_leverage(position.instrument.symbol, leverage)
    with transaction.atomic():
        portfolio = portfolio_lock(position.portfolio_id)
        position = Position.objects.select_for_update(of=("self",)).select_related("instrument").get(pk=position.pk)
        before = position.leverage
        position.leverage = leverage
        position.margin_mode = margin_mode or position.margin_mode
        margin_refresh(position)
        position.save(update_fields=["leverage", "margin_mode", "collateral", "liquidation_price", "updated_at"])
        audit(Action.POSITION_PROTECTED, user=actor, target=position, leverage=f"{leverage:f}", before=f"{before:f}")
        position_publish(position, portfolio)
    position.portfolio = portfolio
    return position


def leverage_most(portfolio: Portfolio) -> Decimal:
    """Return the highest leverage that a position of the portfolio may have."""
    ceiling = PlatformLimits.objects.values_list("max_leverage", flat=True).first()
    own: Decimal = portfolio.risk_profile.max_leverage
    return min(bound for bound in (own, ceiling, 1 / INITIAL_RATE) if bound is not None)


def _require_allowed(position: Position, leverage: Decimal, margin_mode: MarginMode | None) -> None:
    if position.closed_at is not None:
        raise LeverageNotAllowed("The position is closed; only an open one has leverage.", code="position_closed")
    most = leverage_most(position.portfolio)
    if not 1 <= leverage <= most:
        raise LeverageNotAllowed(
            f"The leverage must be from 1 to {most.normalize():f}, not {leverage.normalize():f}; an administrator or "
            f"the portfolio's owner sets the limit."
        )
    if margin_mode is not None and margin_mode != position.margin_mode and not position.portfolio.connection.is_paper:
        raise LeverageNotAllowed(
            "The margin mode of an exchange's position is set at the exchange.", code="margin_mode_fixed"
        )
