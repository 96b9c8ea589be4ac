"""Keys for programs: made, rotated, revoked, and recognized.

A key reads `algo_<prefix>_<secret>`. The prefix finds its row, the secret's keyed hash is compared in constant time.
What the cache knows of a key is replaced with the commit of every change (see `access`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.errors import InvalidAccount, NotAllowed, SignInRefused
from apps.accounts.models import Action, ApiKey, User
from apps.accounts.services.access import GONE, known, known_changed, user_wanted
from apps.accounts.services.audit import audit
from apps.accounts.services.keyed_texts import KeyedText
from apps.common.origin import identify

log = structlog.get_logger(__name__)
KEYS = KeyedText(mark="algo", salt="algotrendy.api_key")
MAX_KEYS = 25
USE_NOTED_EVERY = timedelta(minutes=1)
USE_RECORDED_EVERY = timedelta(hours=1)
"""How exact `used_at` is, and how often the use of a key from one address is put into the audit trail."""
MOST_OWNERS = 5000
_owners: dict[str, int] = {}
"""Whose a prefix is, as far as this process has seen; a key never changes hands."""
SETTINGS = ("name", "scopes", "allowed_networks", "requests_per_minute", "expires_at")


def api_key_create(*, user: User, **values: Any) -> tuple[ApiKey, str]:
    """Return a new key of the user and its text, which is shown once; raise InvalidAccount or NotAllowed.

    Values are `name`, `scopes`, `allowed_networks`, `requests_per_minute` and `expires_at`.
    """
    key, text = _with_new_secret(ApiKey(user=user, **values))
    _check(key)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if ApiKey.objects.filter(user=user, revoked_at=None).count() >= MAX_KEYS:
            raise NotAllowed(f"You have {MAX_KEYS} keys; revoke one that is not used.")
        _save(key)
        audit(Action.KEY_CREATED, target=key, scopes=key.scopes, networks=key.allowed_networks)
    return key, text


@transaction.atomic
def api_key_rotate(*, key: ApiKey) -> tuple[ApiKey, str]:
    """Return the key with another secret, and its text; the old one is refused from now on. Raises NotAllowed."""
    key = ApiKey.objects.select_for_update().get(pk=key.pk)
    if key.revoked_at is not None:
        raise NotAllowed("This key has been revoked; make another.")
    old = key.prefix
    key, text = _with_new_secret(key)
    _save(key)
    known_changed(_cache_key(old), lambda: GONE)
    audit(Action.KEY_ROTATED, target=key, replaces=old)
    return key, text


@transaction.atomic
def api_key_revoke(*, key: ApiKey) -> ApiKey:
    """Refuse the key from now on; revoking it twice is no fault."""
    key = ApiKey.objects.select_for_update().get(pk=key.pk)
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        _save(key)
        audit(Action.KEY_REVOKED, target=key)
    return key


def api_key_admit(*, text: str, ip: str) -> tuple[User, ApiKey]:
    """Return owner and key of a request; raise SignInRefused.

    Only one who has the secret learns why a key is refused.
    """
    prefix, secret = KEYS.split(text)
    key, user = _found(prefix) if prefix else (None, None)
    if not isinstance(key, ApiKey) or not KEYS.proves(secret, key.digest):
        raise SignInRefused("The API key is not valid.", code="api_key_not_valid")
    _require_usable(key, ip)
    if not isinstance(user, User) or not user.is_active:
        raise SignInRefused("The key's account is switched off.", code="user_inactive")
    identify(via="api_key", credential=key.prefix, user_id=user.pk, username=user.username)
    _note_use(key, ip)
    return user, key


def _found(prefix: str) -> tuple[object, object]:
    """Return what is known of the key and of its owner; in one round trip where the owner is known from before."""
    wanted = (f"key:{prefix}", partial(_read, prefix))
    owner_id = _owners.get(prefix)
    if owner_id is not None:
        key, user = known(wanted, user_wanted(owner_id))
        return key, user
    (key,) = known(wanted)
    if not isinstance(key, ApiKey):
        return None, None
    if len(_owners) >= MOST_OWNERS:
        _owners.clear()
    _owners[prefix] = key.user_id
    return key, known(user_wanted(key.user_id))[0]


def _require_usable(key: ApiKey, ip: str) -> None:
    if key.revoked_at is not None:
        raise SignInRefused("The API key has been revoked.", code="api_key_revoked")
    if key.expires_at is not None and key.expires_at <= timezone.now():
        raise SignInRefused("The API key has expired; make another.", code="api_key_expired")
    if not key.is_allowed_from(ip):
        identify(credential=key.prefix)
        audit(Action.KEY_REFUSED, target=key, because="address")
        raise SignInRefused(f"The API key may not be used from {ip}.", code="api_key_address")


def _note_use(key: ApiKey, ip: str) -> None:
    """Keep when and from where the key was used, once a minute; record it in the audit trail once an hour."""
    now, before, came_from = timezone.now(), key.used_at, key.used_from
    if before is not None and came_from == (ip or None) and now - before < USE_NOTED_EVERY:
        return
    with transaction.atomic():
        key.used_at, key.used_from = now, ip or None
        ApiKey.objects.filter(pk=key.pk).update(used_at=now, used_from=key.used_from)
        known_changed(_cache_key(key.prefix), lambda: _read(key.prefix))
        if _is_worth_recording(before, now) or came_from != key.used_from:
            audit(Action.KEY_USED, target=key)


def _is_worth_recording(before: datetime | None, now: datetime) -> bool:
    """Tell whether the hour since the last record is over: uses are noted once a minute, recorded once an hour."""
    hour = int(USE_RECORDED_EVERY.total_seconds())
    return before is None or int(before.timestamp()) // hour != int(now.timestamp()) // hour


def _with_new_secret(key: ApiKey) -> tuple[ApiKey, str]:
    key.prefix, key.digest, text = KEYS.make()
    return key, text


def _read(prefix: str) -> ApiKey | None:
    return ApiKey.objects.filter(prefix=prefix).first()


def _cache_key(prefix: str) -> str:
    return f"key:{prefix}"


def _check(key: ApiKey) -> None:
    key.scopes = sorted(set(key.scopes))
    try:
        key.full_clean(exclude=[field.name for field in ApiKey._meta.fields if field.name not in SETTINGS])
    except ValidationError as error:
        raise InvalidAccount.of(error) from error
    if key.expires_at is not None and key.expires_at <= timezone.now():
        raise InvalidAccount({"expires_at": ["Choose a time that is still to come."]})


def _save(key: ApiKey) -> None:
    try:
        with transaction.atomic():
            key.save()
    except IntegrityError as error:
        raise InvalidAccount({"name": ["You have a key of this name; choose another, or revoke that one."]}) from error
    prefix = key.prefix
    known_changed(_cache_key(prefix), lambda: _read(prefix))
