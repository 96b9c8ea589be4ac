"""Which limits hold for a portfolio: its own, within the platform's."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from algotrendy.trading.protections import Guards, guards_within
from algotrendy.trading.risk import RiskLimits, effective
from apps.accounts.models import User
from apps.common.prepared import Given, Prepared
from apps.portfolio.models import PlatformLimits, Portfolio, RiskProfile

CEILINGS = (
    "max_position_size_percent",
    "max_total_exposure_percent",
    "max_concurrent_positions",
    "max_order_size",
    "max_leverage",
    "price_band_percent",
    "max_orders_per_minute",
    "daily_loss_limit_percent",
    "max_drawdown_percent",
)
"""The limits that the platform can cap, as both rows name them."""
NONE_AT_ZERO = frozenset(
    {"price_band_percent", "max_orders_per_minute", "daily_loss_limit_percent", "max_drawdown_percent"}
)
"""Those of which 0 means that there is none."""


def profiles_of(user: User) -> QuerySet[RiskProfile]:
    """Return the limits of the portfolios that the user may see."""
    profiles = RiskProfile.objects.select_related("portfolio__owner").prefetch_related("allowed_instruments")
    return profiles if user.is_admin else profiles.filter(portfolio__owner=user)


def platform_limits() -> PlatformLimits:
    """Return the platform's ceilings; empty ones where nobody has set any."""
    return _PLATFORM.first() or PlatformLimits()


def limits_of(portfolio: Portfolio) -> RiskLimits:
    """Return what the portfolio's orders are held against: the stricter of its own limits and the platform's.

    A simulation trades history as fast as it can be read: it knows neither an order rate nor a price band.
    """
    profile = _PROFILE.one(portfolio=portfolio.pk)
    symbols: list[str] = profile.symbols  # type: ignore[attr-defined]
    limits = replace(effective(profile.limits, platform_limits().ceilings), instruments=frozenset(symbols))
    if portfolio.is_simulation:
        limits = replace(limits, price_band_percent=None, max_orders_per_minute=None)
    return limits


def guards_of(portfolio: Portfolio) -> Guards:
    """Return at what loss the portfolio stops by itself: the stricter of its own figures and the platform's."""
    return guards_of_each([portfolio])[portfolio.pk]


def guards_of_each(portfolios: Iterable[Portfolio]) -> dict[uuid.UUID, Guards]:
    """Return at what loss each of the portfolios stops by itself, by their ids."""
    profiles = _PROFILES(portfolios=[portfolio.pk for portfolio in portfolios])
    platform = platform_limits() if profiles else PlatformLimits()
    daily, drawdown = platform.daily_loss_limit_percent or None, platform.max_drawdown_percent or None
    return {profile.portfolio_id: guards_within(profile.guards, daily, drawdown) for profile in profiles}


def _with_symbols() -> QuerySet[RiskProfile]:
    listed = RiskProfile.allowed_instruments.through.objects.filter(riskprofile=OuterRef("pk"))
    symbols = ArraySubquery(listed.values("instrument__symbol"))
    return RiskProfile.objects.filter(portfolio=Given("portfolio")).annotate(symbols=symbols)


_PLATFORM = Prepared(lambda: PlatformLimits.objects.filter(pk=1))
_PROFILE = Prepared(_with_symbols)
_PROFILES = Prepared(lambda: RiskProfile.objects.filter(portfolio_id__any=Given("portfolios")))
