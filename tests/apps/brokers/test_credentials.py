"""Keys of connections: sealed at rest, used by nobody but the exchange, and to be found nowhere else."""

from __future__ import annotations

import io
import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.forms.models import model_to_dict

from algotrendy.trading.errors import BrokerRejected, TradingError
from apps.accounts.models import Action, AuditEvent, User
from apps.brokers import credentials as opening
from apps.brokers.adapters.exchange import CcxtGateway
from apps.brokers.credentials import Credentials, credentials_of, sealed
from apps.brokers.models import BrokerConnection
from apps.brokers.services import connection_test, credentials_remove, credentials_set
from tests.builders import make_connection
from tests.exchange.trading import TradingVenue

from .conftest import KEY, SECRET, ask, exchange_connection

pytestmark = pytest.mark.django_db
NEW_KEY = "a-key-for-encryption-that-came-later-0123456789"


def test_a_key_is_kept_sealed_and_is_known_by_its_last_characters(trader: User) -> None:
    connection = exchange_connection(trader, encrypted_credentials="", credentials_at=None)
    kept = credentials_set(connection=connection, key=f" {KEY}\n", secret=SECRET, password="phrase", actor=trader)

    assert (kept.key_hint, kept.has_credentials) == ("1234", True)
    assert kept.credentials_at is not None
    with database.cursor() as cursor:
        cursor.execute("SELECT brokers_brokerconnection::text FROM brokers_brokerconnection")
        row = cursor.fetchone()[0]
    assert not any(secret in row for secret in (KEY, SECRET, "phrase"))
    assert credentials_of(kept) == Credentials(KEY, SECRET, "phrase")
    event = AuditEvent.objects.get(action=Action.CREDENTIALS_SET)
    assert (event.user_id, event.details) == (trader.pk, {"key_hint": "1234", "replaced": False})


def test_another_key_takes_the_place_of_the_first_and_its_test_is_forgotten(connection: BrokerConnection) -> None:
    connection.tested_at = datetime.now(UTC)
    connection.test_result = {"ok": True, "can_withdraw": True, "rests": ["market", "limit", "stop"]}
    connection.save()
    kept = credentials_set(connection=connection, key="k" * 20, secret="s" * 20, actor=connection.owner)
    assert (kept.tested_at, kept.test_result) == (None, {"rests": ["market", "limit", "stop"]})
    assert AuditEvent.objects.get(action=Action.CREDENTIALS_SET).details["replaced"] is True


def test_without_its_key_a_connection_is_not_live_any_more(trader: User) -> None:
    connection = exchange_connection(trader, sandbox=False, is_live=True)
    left = credentials_remove(connection=connection, actor=trader)
    assert (left.has_credentials, left.is_live, left.key_hint, left.credentials_at) == (False, False, "", None)
    credentials_remove(connection=connection, actor=trader)
    assert AuditEvent.objects.filter(action=Action.CREDENTIALS_REMOVED).count() == 1


@pytest.mark.parametrize(
    ("key", "secret"), [("", SECRET), (KEY, "  "), (KEY, "tab\tin it"), (KEY, "näh"), ("k" * 5000, SECRET)]
)
def test_what_no_exchange_gives_out_is_refused_without_repeating_it(trader: User, key: str, secret: str) -> None:
    connection = exchange_connection(trader, encrypted_credentials="")
    with pytest.raises(TradingError) as refusal:
        credentials_set(connection=connection, key=key, secret=secret, actor=trader)
    assert refusal.value.code == "credentials_invalid"
    assert not any(text.strip() and text.strip() in refusal.value.message for text in (key, secret))


def test_a_private_key_keeps_its_lines(trader: User) -> None:
    connection = exchange_connection(trader, encrypted_credentials="")
    given = "-----BEGIN EC PRIVATE KEY-----\\nMHcCAQ\\n-----END EC PRIVATE KEY-----\\n"
    kept = credentials_set(connection=connection, key=KEY, secret=given, actor=trader)
    assert credentials_of(kept).secret.splitlines()[1] == "MHcCAQ"


def test_the_paper_venue_takes_no_key(trader: User) -> None:
    with pytest.raises(TradingError) as refusal:
        credentials_set(connection=make_connection(trader), key=KEY, secret=SECRET, actor=trader)
    assert refusal.value.code == "credentials_not_taken"


def test_no_repr_tells_a_secret(connection: BrokerConnection) -> None:
    gateway = CcxtGateway(connection)
    shown = [Credentials(KEY, SECRET, "phrase"), connection, gateway, gateway.client, gateway.client.behind]
    texts = [*map(repr, shown), *map(str, shown)]
    assert not any(secret in text for text in texts for secret in (KEY, SECRET, "phrase"))
    assert Credentials("short", SECRET).hint == ""


def test_a_key_that_no_key_opens_makes_the_connection_unusable_and_says_so(
    connection: BrokerConnection, settings: LazySettings
) -> None:
    settings.ENCRYPTION_KEYS = [NEW_KEY]
    with pytest.raises(BrokerRejected) as refusal:
        CcxtGateway(exchange_connection(connection.owner, name="Other", encrypted_credentials="gAAA")).submit_order(
            ask()
        )
    assert refusal.value.code == "credentials_undecipherable"
    with pytest.raises(opening.CredentialsUnusable):
        credentials_of(connection)


def test_a_rotation_reseals_keys_too(connection: BrokerConnection, settings: LazySettings) -> None:
    old = list(settings.ENCRYPTION_KEYS)
    before = connection.encrypted_credentials
    settings.ENCRYPTION_KEYS = [NEW_KEY, *old]
    told = io.StringIO()
    call_command("rotate_encryption", stdout=told)
    settings.ENCRYPTION_KEYS = [NEW_KEY]

    connection.refresh_from_db()
    assert connection.encrypted_credentials != before
    assert credentials_of(connection) == Credentials(KEY, SECRET)
    assert "1 secrets" in told.getvalue()

    settings.ENCRYPTION_KEYS = ["yet-another-key-for-encryption-0123456789"]
    with pytest.raises(CommandError, match="credentials"):
        call_command("rotate_encryption", stdout=io.StringIO())


@pytest.mark.parametrize(
    "fault",
    [{"kind": "cut"}, {"kind": "status"}, {"kind": "timeout", "seconds": 1}, {"kind": "refuse", "code": -2015}, None],
    ids=lambda fault: fault["kind"] if fault else "none",
)
def test_neither_logs_nor_errors_nor_the_audit_tell_a_secret_or_a_signature(
    connection: BrokerConnection,
    venue: TradingVenue,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any] | None,
) -> None:
    """With LOG_LEVEL at DEBUG, where libraries tell their requests."""
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    gateway = CcxtGateway(connection)
    for request in ("place", "query", "account"):
        if fault:
            venue.control({"faults": [{"request": request, **fault}]})
    for call in (
        lambda: gateway.submit_order(ask()),
        lambda: gateway.fetch_order("a" * 32, "BTC/USDT"),
        lambda: gateway.fetch_balances(),
    ):
        try:
            call()
        except TradingError as error:
            told += [repr(error), error.message, str(error.__cause__), str(error.__context__ is not None)]
    connection_test(connection_id=connection.pk, actor_id=connection.owner_id, now=datetime.now(UTC))
    connection.refresh_from_db()
    told += [record.getMessage() for record in caplog.records]
    told += [json.dumps(event.details) for event in AuditEvent.objects.all()]
    told += [json.dumps(connection.test_result), json.dumps(model_to_dict(connection), default=str)]
    assert not [text for text in told if KEY in text or SECRET in text or "signature=" in text]


def test_a_sealed_key_is_another_text_each_time() -> None:
    credentials = Credentials(KEY, SECRET)
    assert sealed(credentials) != sealed(credentials)
