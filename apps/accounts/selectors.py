"""Who there is, what the record says of them, and how often they may call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet

from apps.accounts.models import ApiKey, ApiSession, AuditEvent, Authenticator, RateLimit, Role, Tier, User


def admins() -> QuerySet[User]:
    """Return the administrators who can sign in, oldest first."""
    is_admin = Q(is_superuser=True) | Q(groups__name=Role.ADMIN.value)
    return User.objects.filter(is_admin, is_active=True).order_by("pk").distinct()


def user_named(name: str) -> User | None:
    """Return the user that somebody who signs in by this user name or e-mail address means."""
    if not name or "\0" in name:
        return None
    by_email = User.objects.filter(email__iexact=name).first() if "@" in name else None
    return by_email or User.objects.filter(username=name).first()


def users_visible(viewer: User) -> QuerySet[User]:
    """Return the accounts that the user may see: all for administrators, else the own one."""
    users = User.objects.select_related("authenticator").prefetch_related("groups")
    return users if viewer.is_admin else users.filter(pk=viewer.pk)


@dataclass(frozen=True, slots=True)
class MfaState:
    """What there is to know of an account's second factor."""

    enabled: bool
    required: bool
    confirmed_at: datetime | None
    backup_codes_left: int


def mfa_state(user: User) -> MfaState:
    """Return the state of the user's second factor."""
    device = Authenticator.objects.filter(user=user).exclude(confirmed_at=None).first()
    return MfaState(
        enabled=device is not None,
        required=settings.MFA_REQUIRED_FOR_ADMINS and user.is_admin,
        confirmed_at=device.confirmed_at if device else None,
        backup_codes_left=device.backup_codes.filter(used_at=None).count() if device else 0,
    )


def api_keys_visible(viewer: User) -> QuerySet[ApiKey]:
    """Return the keys that the user may see in the console: all for administrators, else the own ones."""
    keys = ApiKey.objects.select_related("user")
    return keys if viewer.is_admin else keys.filter(user=viewer)


def api_keys_of(owner: User) -> QuerySet[ApiKey]:
    """Return the user's own keys, revoked ones among them."""
    return ApiKey.objects.filter(user=owner)


def sessions_of(owner: User) -> QuerySet[ApiSession]:
    """Return the user's sign-ins to the API."""
    return ApiSession.objects.filter(user=owner)


def audit_visible(viewer: User) -> QuerySet[AuditEvent]:
    """Return the records that the user may see: all for administrators, else those of the own account."""
    events = AuditEvent.objects.all()
    return events if viewer.is_admin else events.filter(user_id=viewer.pk)


def audit_of(user: User) -> QuerySet[AuditEvent]:
    """Return what was recorded of the user's own doing, newest first."""
    return AuditEvent.objects.filter(user_id=user.pk)


def rate_limit_overrides() -> dict[tuple[str, str], Sequence[str]]:
    """Return the rates that administrators have set, by tier and scope."""
    rows = RateLimit.objects.values_list("tier", "scope", "requests_per_minute", "burst_per_second")
    return {(tier, scope): [f"{minute}/m", f"{burst}/s"] for tier, scope, minute, burst in rows.iterator()}


def default_rates(tier: str, scope: str) -> Sequence[str]:
    """Return the settings' rates; a tier that they do not name has those of the lowest."""
    table: Mapping[str, Mapping[str, Sequence[str]]] = settings.RATE_LIMITS
    return table.get(tier, table[Tier.FREE])[scope]
