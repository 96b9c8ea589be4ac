"""Changing the limits of a portfolio and of the platform; each change is on record with what it was before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from algotrendy.trading.errors import TradingError
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.marketdata.models import Instrument
from apps.portfolio.limiting import CEILINGS, NONE_AT_ZERO, platform_limits
from apps.portfolio.models import PlatformLimits, Portfolio, RiskProfile

CHANGEABLE = tuple(each.name for each in RiskProfile._meta.concrete_fields if each.name not in ("id", "portfolio"))
"""The figures of a portfolio's limits; which instruments may be opened is a list beside them."""


class LimitsNotAllowed(TradingError):
    """Owners change the limits of their portfolios, administrators all of them and the platform's."""

    code = "limits_not_allowed"


class AbovePlatformLimit(TradingError):
    """A limit would pass the platform's; `errors` names each, with what is allowed."""

    code = "above_platform_limit"

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(
            "The platform's limits are lower: " + " ".join(word for said in errors.values() for word in said)
        )
        self.errors = errors


@transaction.atomic
def limits_change(
    *,
    portfolio: Portfolio,
    actor: User,
    allowed_instruments: Iterable[Instrument] | None = None,
    **changes: Any,
) -> RiskProfile:
    """Set the named limits of a portfolio; what is not named stays. Orders are held against them from now on.

    Only what changes is held against the platform's ceilings, so that a profile that lies above one that came later
    (the ceiling holds for its orders all the same) can be mended figure by figure. Raises ValidationError,
    AbovePlatformLimit and LimitsNotAllowed.
    """
    if not actor.is_admin and portfolio.owner_id != actor.pk:
        raise LimitsNotAllowed("Only its owner and administrators change the limits of a portfolio.")
    Portfolio.objects.select_for_update(of=("self",)).get(pk=portfolio.pk)
    profile = RiskProfile.objects.select_for_update(of=("self",)).select_related("portfolio").get(portfolio=portfolio)
    changed = _apply(profile, changes, CHANGEABLE)
    if passed := ceilings_passed({name: getattr(profile, name) for name in changed}):
        raise AbovePlatformLimit(passed)
    profile.full_clean(exclude=["portfolio"])
    profile.save()
    if allowed_instruments is not None:
        changed |= _allow(profile, list(allowed_instruments))
    if changed:
        audit(Action.LIMITS_CHANGED, user=actor, target=profile, changes=changed)
    return profile


@transaction.atomic
def platform_limits_change(*, actor: User, **changes: Any) -> PlatformLimits:
    """Set the named ceilings of the platform. Raises ValidationError, and LimitsNotAllowed unless by an administrator.

    Portfolios whose own limits lie above are held to the ceiling from now on; their figures stay as they are.
    """
    if not actor.is_admin:
        raise LimitsNotAllowed("Only administrators change the platform's limits.")
    PlatformLimits.objects.get_or_create(pk=1)
    limits = PlatformLimits.objects.select_for_update().get(pk=1)
    changed = _apply(limits, changes, CEILINGS)
    limits.full_clean(validate_constraints=False)
    limits.save()
    if changed:
        audit(Action.LIMITS_CHANGED, user=actor, target=limits, changes=changed)
    return limits


def ceilings_passed(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what is wrong with these new limits of a portfolio: each that would pass the platform's."""
    platform, errors = platform_limits(), {}
    for name, value in values.items():
        ceiling = _ceiling(platform, name)
        is_none = value is None or (name in NONE_AT_ZERO and value == 0)
        if ceiling is not None and (is_none or value > ceiling):
            errors[name] = [f"{_words(name)} can be {_plain(ceiling)} at most."]
    if values.get("enabled") is False and platform.ceilings.any_set:
        errors["enabled"] = ["Limits cannot be switched off while the platform has limits of its own."]
    if values.get("circuit_breaker") is False and (platform.daily_loss_limit_percent or platform.max_drawdown_percent):
        errors["circuit_breaker"] = ["The circuit breaker stays on while the platform limits losses."]
    return errors


def _apply(row: RiskProfile | PlatformLimits, changes: dict[str, Any], known: Iterable[str]) -> dict[str, Any]:
    unknown = changes.keys() - set(known)
    if unknown:
        raise ValidationError({name: "There is no such limit." for name in sorted(unknown)})
    changed = {}
    for name, value in changes.items():
        before = getattr(row, name)
        if before != value:
            setattr(row, name, value)
            changed[name] = {"old": _plain(before), "new": _plain(value)}
    return changed


def _ceiling(platform: PlatformLimits, name: str) -> Any:
    ceiling = getattr(platform, name) if name in CEILINGS else None
    return None if name in NONE_AT_ZERO and not ceiling else ceiling


def _allow(profile: RiskProfile, instruments: list[Instrument]) -> dict[str, Any]:
    before = set(profile.allowed_instruments.values_list("symbol", flat=True))
    after = {instrument.symbol for instrument in instruments}
    if before == after:
        return {}
    profile.allowed_instruments.set(instruments)
    return {"allowed_instruments": {"old": sorted(before), "new": sorted(after)}}


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _plain(value: Any) -> Any:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value
