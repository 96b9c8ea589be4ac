"""Making and changing accounts."""

from __future__ import annotations

import secrets

import structlog
from django.apps import apps
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from algotrendy.settings.env import env, optional
from apps.accounts import roles
from apps.accounts.errors import InvalidAccount
from apps.accounts.models import Role, Tier, User
from apps.accounts.selectors import admins

log = structlog.get_logger(__name__)
CHANGEABLE = frozenset({"first_name", "last_name", "email", "time_zone"})


def user_create(*, username: str, email: str, password: str, role: Role, tier: Tier = Tier.FREE) -> User:
    """Make an account that may sign in to the API and to the console, where its role says what it sees.

    Raises InvalidAccount.
    """
    # Every role signs in to the console; its pages are scoped by permission and by owner.
    user = User(username=username, email=email.strip().lower(), tier=tier, is_staff=True)
    _require_free_name(user)
    _check(user, password)
    user.set_password(password)
    with transaction.atomic():
        _save(user, "username")
        user.groups.add(_group_of(role))
    log.info("user_created", user=user.pk, role=role.value)
    return user


@transaction.atomic
def account_change(*, user: User, current_password: str = "", new_password: str | None = None, **changes: str) -> User:
    """Change one's own names, e-mail address, time zone or password; raises InvalidAccount and changes nothing.

    A new password or e-mail address asks for the current password. Every token and session that was given out before
    dies with the old password.
    """
    refused = {name: ["This cannot be changed."] for name in sorted(set(changes) - CHANGEABLE)}
    if (new_password is not None or "email" in changes) and not user.check_password(current_password):
        refused["current_password"] = ["Give your current password to change password or e-mail address."]
    if refused:
        raise InvalidAccount(refused)
    changed = User.objects.select_for_update().get(pk=user.pk)
    for name, value in changes.items():
        setattr(changed, name, value.strip().lower() if name == "email" else value)
    _check(changed, new_password)
    if new_password is not None:
        changed.set_password(new_password)
    _save(changed, "email")
    log.info("account_changed", user=user.pk, fields=sorted(changes), password=new_password is not None)
    return changed


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
