"""Keys of connections: they come in, go out to the exchange alone, and are never shown again."""

from __future__ import annotations

import re

from django.db import transaction
from django.utils import timezone

from algotrendy.trading.errors import TradingError
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.brokers.credentials import Credentials, sealed
from apps.brokers.models import BrokerConnection, BrokerKind

LONGEST = 4096
"""Some exchanges' secrets are private keys in PEM form."""
_PLAIN = re.compile(r"[\x21-\x7e]+")
_LINES = re.compile(r"[\x20-\x7e\r\n]+")


class CredentialsRefused(TradingError):
    """These cannot be a connection's credentials."""

    code = "credentials_invalid"


def credentials_set(
    *, connection: BrokerConnection, key: str, secret: str, password: str = "", actor: User
) -> BrokerConnection:
    """Keep a key, in place of any other; what a test said of the one before is forgotten."""
    credentials = Credentials(_clean("key", key), _clean("secret", secret), password.strip())
    if len(password) > LONGEST:
        raise CredentialsRefused(f"The password is longer than {LONGEST} characters.")
    with transaction.atomic():
        row = _locked(connection)
        is_new = not row.has_credentials
        row.encrypted_credentials, row.key_hint = sealed(credentials), credentials.hint
        row.credentials_at, row.tested_at = timezone.now(), None
        row.test_result = _what_outlives_a_key(row)
        row.save(update_fields=[*KEPT_IN, "updated_at"])
        audit(Action.CREDENTIALS_SET, user=actor, target=row, key_hint=row.key_hint, replaced=not is_new)
    return row


def credentials_remove(*, connection: BrokerConnection, actor: User) -> BrokerConnection:
    """Forget a connection's key; without one it cannot be live."""
    with transaction.atomic():
        row = _locked(connection)
        if not row.has_credentials:
            return row
        hint, was_live = row.key_hint, row.is_live
        row.encrypted_credentials = row.key_hint = ""
        row.credentials_at = row.tested_at = None
        row.test_result, row.is_live = _what_outlives_a_key(row), False
        row.save(update_fields=[*KEPT_IN, "is_live", "updated_at"])
        audit(Action.CREDENTIALS_REMOVED, user=actor, target=row, key_hint=hint, was_live=was_live)
    return row


KEPT_IN = ("encrypted_credentials", "key_hint", "credentials_at", "tested_at", "test_result")


def _locked(connection: BrokerConnection) -> BrokerConnection:
    row = BrokerConnection.objects.select_for_update(of=("self",)).select_related("owner").get(pk=connection.pk)
    if row.kind != BrokerKind.CCXT:
        raise CredentialsRefused("The paper venue takes no credentials.", code="credentials_not_taken")
    return row


def _clean(name: str, value: str) -> str:
    """Return a key or a secret without the spaces around it; say what is wrong with one, and never what it is."""
    value = value.strip()
    if value.startswith("-----BEGIN"):
        value = value.replace("\\n", "\n")  # As a form of one line takes it.
    pattern = _LINES if value.startswith("-----BEGIN") else _PLAIN
    if not value or len(value) > LONGEST or not pattern.fullmatch(value):
        raise CredentialsRefused(f"The {name} is empty, too long, or has characters that no exchange gives out.")
    return value


def _what_outlives_a_key(connection: BrokerConnection) -> dict[str, object]:
    """Return what a test has learnt of the exchange and not of the key."""
    rests = connection.test_result.get("rests")
    return {"rests": rests} if rests else {}
