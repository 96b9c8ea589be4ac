"""Making and changing accounts."""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from django.apps import apps
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from algotrendy.settings.env import env, optional
from apps.accounts import roles
from apps.accounts.errors import InvalidAccount
from apps.accounts.models import Action, Role, Tier, User
from apps.accounts.selectors import admins
from apps.accounts.services.access import access_changed
from apps.accounts.services.audit import audit

log = structlog.get_logger(__name__)
CHANGEABLE = frozenset({"first_name", "last_name", "email", "time_zone"})
GRANTABLE = frozenset({"tier", "is_active", "may_trade_live", "awaits_verification"})


def user_create(
    *,
    username: str,
    email: str,
    password: str,
    role: Role,
    tier: Tier = Tier.FREE,
    time_zone: str = "UTC",
    awaits_verification: bool = False,
) -> User:
    """Make an account that may sign in to the API and to the console, where its role says what it sees.

    Raises InvalidAccount.
    """
    # Every role signs in to the console; its pages are scoped by permission and by owner.
    user = User(username=username, email=email.strip().lower(), tier=tier, is_staff=True, time_zone=time_zone)
    user.awaits_verification = awaits_verification
    _require_free_name(user)
    _check(user, password)
    user.set_password(password)
    with transaction.atomic():
        _save(user, "username")
        user.groups.add(_group_of(role))
        audit(Action.CREATED, target=user, role=role.value, tier=tier)
    return user


@transaction.atomic
def account_change(*, user: User, **changes: str) -> User:
    """Change one's own names, e-mail address or time zone; raises InvalidAccount and changes nothing.

    Whoever calls this for a new address has asked for the password.
    """
    refused = {name: ["This cannot be changed."] for name in sorted(set(changes) - CHANGEABLE)}
    if refused:
        raise InvalidAccount(refused)
    changed = User.objects.select_for_update().get(pk=user.pk)
    for name, value in changes.items():
        setattr(changed, name, value.strip().lower() if name == "email" else value)
    if changed.email != user.email:
        changed.email_verified_at = None
    _check(changed)
    _save(changed, "email")
    access_changed(changed, ends_sessions=False)
    audit(Action.CHANGED, user=user, target=changed, fields=sorted(changes))
    return changed


@transaction.atomic
def user_change(*, user: User, actor: User, role: Role | None = None, **changes: Any) -> User:
    """Change what an account may do: `role`, `tier`, `is_active`, `may_trade_live`, `awaits_verification`.

    A change of role or state ends all of the account's sessions. Administrators cannot take their own rights away, so
    that one is always left. Raises InvalidAccount.
    """
    changed = User.objects.select_for_update().get(pk=user.pk)
    before = access_of(changed)
    for name, value in changes.items():
        if name not in GRANTABLE:
            raise InvalidAccount({name: ["This cannot be changed."]})
        setattr(changed, name, value)
    if changes:
        changed.save(update_fields=sorted(changes))
    if role is not None:
        changed.groups.remove(*Group.objects.filter(name__in=Role.values))
        changed.groups.add(_group_of(role))
    require_admin_left(user=changed, actor=actor)
    access_recorded(user=changed, before=before)
    return changed


def require_admin_left(*, user: User, actor: User) -> None:
    """Refuse, inside the change's transaction, that administrators take their own rights away: one is always left."""
    fresh = User.objects.get(pk=user.pk)
    if user.pk == actor.pk and not (fresh.is_active and fresh.is_admin):
        raise InvalidAccount({"role": ["You cannot take your own rights away; ask another administrator."]})


def access_of(user: User) -> dict[str, Any]:
    """Return what decides what an account may do, to compare it with later."""
    fresh = User.objects.get(pk=user.pk)
    groups = sorted(group.name for group in fresh.groups.all())
    values = {name: getattr(fresh, name) for name in ("is_active", "is_superuser", "is_staff", *GRANTABLE)}
    return values | {"groups": groups}


def access_recorded(*, user: User, before: dict[str, Any]) -> None:
    """Make a change of an account's access take effect at once and record it; to be called in its transaction."""
    after = access_of(user)
    changes = {name: [before[name], value] for name, value in after.items() if before[name] != value}
    ends = bool(set(changes) - {"tier", "may_trade_live", "awaits_verification"})
    access_changed(user, ends_sessions=ends)
    if changes:
        audit(Action.ACCESS_CHANGED, target=user, changes=changes)


@transaction.atomic
def ensure_first_admin() -> tuple[User, str | None]:
    """Return an administrator, made where there is none; with the password where a random one was made for it.

    ADMIN_USERNAME, ADMIN_EMAIL and ADMIN_PASSWORD (or ADMIN_PASSWORD_FILE) say what it is to be. Any number of
    processes may call this at once: the group's row lets one at a time through. Raises InvalidAccount.
    """
    Group.objects.select_for_update().get(pk=_group_of(Role.ADMIN).pk)
    known = admins().first()
    if known is not None:
        return known, None
    given = optional("ADMIN_PASSWORD")
    password = given or secrets.token_urlsafe(15)
    admin = user_create(
        username=env.str("ADMIN_USERNAME", default="admin"),
        email=env.str("ADMIN_EMAIL", default="admin@localhost"),
        password=password,
        role=Role.ADMIN,
    )
    return admin, None if given else password


def _group_of(role: Role) -> Group:
    """Return the role's group; make it where somebody has deleted it."""
    group = Group.objects.filter(name=role.value).first()
    if group is None:
        roles.seed(apps, [role])
        group = Group.objects.get(name=role.value)
    return group


def _save(user: User, field: str) -> None:
    """Save an account; one made at the same time may have taken its name or address since the check."""
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise InvalidAccount({field: ["Another account has taken it a moment ago."]}) from error


def _check(user: User, password: str | None = None) -> None:
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        raise InvalidAccount.of(error) from error
    taken = User.objects.exclude(pk=user.pk).filter(email__iexact=user.email)
    if taken.exists():
        raise InvalidAccount({"email": ["Another account has this e-mail address."]})
    if password is None:
        return
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidAccount.of(error, "password") from error


def _require_free_name(user: User) -> None:
    """Refuse a name that another account could be meant by when somebody signs in."""
    if "@" in user.username:
        raise InvalidAccount({"username": ["A user name takes no @; sign in by e-mail address works besides."]})
    if User.objects.filter(username__iexact=user.username).exists():
        raise InvalidAccount({"username": ["Another account has this user name."]})
