"""Connections over the API: made, changed, given a key that never comes back, tested, and live by three switches."""

from __future__ import annotations

from typing import Any

import pytest
from celery import current_app
from django.conf import LazySettings
from rest_framework.test import APIClient

from apps.accounts.models import Action, AuditEvent, User
from apps.accounts.services import api_key_create
from apps.brokers import tasks
from apps.brokers.adapters.exchange.rights import EVERY_ADDRESS, MAY_WITHDRAW
from apps.brokers.models import BrokerConnection
from tests.conftest import ClientFor
from tests.exchange.trading import TradingVenue

from .conftest import KEY, SECRET, exchange_connection

pytestmark = pytest.mark.django_db
URL = "/api/connections"


@pytest.fixture
def client(trader: User, client_for: ClientFor) -> APIClient:
    return client_for(trader)


def made(client: APIClient, **fields: Any) -> dict[str, Any]:
    answer = client.post(URL, {"name": "Mine", "kind": "ccxt", "exchange": "binance", **fields}, format="json")
    assert answer.status_code == 201, answer.json()
    found: dict[str, Any] = answer.json()
    return found


def test_an_exchange_connection_begins_on_the_test_network_without_a_key(client: APIClient) -> None:
    found = made(client)
    assert (found["kind"], found["exchange"], found["market_type"]) == ("ccxt", "binance", "spot")
    assert (found["sandbox"], found["is_live"], found["money"]) == (True, False, "sandbox")
    assert (found["has_credentials"], found["key_hint"], found["tested_at"]) == (False, "", None)
    event = AuditEvent.objects.get(action=Action.CONNECTION_CREATED)
    assert (event.username, event.details["exchange"]) == ("trader", "binance")
    assert [row["name"] for row in client.get(URL, {"exchange": "binance"}).json()["results"]] == ["Mine"]


def test_a_paper_connection_has_its_own_settings(client: APIClient) -> None:
    given = {"name": "Paper", "commission_rate": "0.002", "latency_ms": 250, "seed": 7}
    found = client.post(URL, given, format="json").json()
    assert (found["kind"], found["money"], found["commission_rate"]) == ("paper", "paper", "0.002")
    changed = client.patch(f"{URL}/{found['id']}", {"volume_share": "0.25", "name": "Slow"}, format="json").json()
    assert (changed["volume_share"], changed["latency_ms"], changed["name"]) == ("0.25", 250, "Slow")
    details = AuditEvent.objects.get(action=Action.CONNECTION_CHANGED).details
    assert details["changes"]["name"] == {"from": "Paper", "to": "Slow"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"exchange": "nowhere"}, "unknown_exchange"),
        ({"kind": "paper"}, "exchange_missing"),
        ({"seed": 3}, "connection_invalid"),
        ({"is_live": True}, "validation_error"),
        ({"secret": SECRET}, "validation_error"),
    ],
)
def test_what_does_not_fit_together_is_refused(client: APIClient, fields: dict[str, Any], code: str) -> None:
    given = {"name": "Mine", "kind": "ccxt", "exchange": "binance", **fields}
    answer = client.post(URL, given, format="json")
    assert (answer.status_code, BrokerConnection.objects.count()) == (400, 0)
    assert answer.json()["code"] == code or code == "validation_error"
    assert SECRET not in answer.content.decode()


def test_a_key_goes_in_and_never_comes_out(client: APIClient) -> None:
    place = f"{URL}/{made(client)['id']}"
    answers = [
        client.put(f"{place}/credentials", {"key": KEY, "secret": SECRET, "password": "phrase-of-mine"}, format="json"),
        client.get(place),
        client.get(URL),
        client.patch(place, {"name": "Renamed"}, format="json"),
        client.put(f"{place}/credentials", {"key": KEY, "secret": SECRET, "extra": SECRET}, format="json"),
        client.put(f"{place}/credentials", {"key": KEY, "secret": "näh" + SECRET}, format="json"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 400, 400]
    assert answers[1].json()["key_hint"] == "1234"
    sealed = BrokerConnection.objects.get().encrypted_credentials
    for answer in answers:
        text = answer.content.decode()
        assert not any(secret in text for secret in (KEY, SECRET, "phrase-of-mine", sealed))
    removed = client.delete(f"{place}/credentials").json()
    assert (removed["has_credentials"], removed["key_hint"]) == (False, "")


def test_a_test_is_a_workers_and_its_answer_is_on_the_connection(
    client: APIClient, trader: User, venue: TradingVenue, monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    venue.book.accounts[KEY].rights.enableWithdrawals = True
    venue.book.accounts[KEY].rights.ipRestrict = False
    connection = exchange_connection(trader, sandbox=False)
    sent: list[tuple[str, tuple[Any, ...]]] = []
    monkeypatch.setattr(current_app, "send_task", lambda task, args, **_: sent.append((task, tuple(args))))
    with django_capture_on_commit_callbacks(execute=True):
        asked = client.post(f"{URL}/{connection.pk}/test")
    assert (asked.status_code, asked.json()["test"]["ok"]) == (202, None)
    assert asked.json()["test"]["asked_at"].endswith("Z")
    assert sent == [("brokers.test_connection", (str(connection.pk), trader.pk))]
    assert venue.asked == []

    assert tasks.test_connection(*sent[0][1]) is True
    found = client.get(f"{URL}/{connection.pk}").json()
    assert found["tested_at"] is not None
    assert (found["test"]["can_trade"], found["test"]["can_withdraw"]) == (True, True)
    assert found["test"]["rests"] == ["limit", "market", "stop", "stop_limit", "take_profit"]
    assert found["test"]["warnings"] == [MAY_WITHDRAW, EVERY_ADDRESS]
    event = AuditEvent.objects.get(action=Action.CONNECTION_TESTED)
    assert (event.username, event.details["result"]["can_withdraw"]) == ("trader", True)


def test_a_test_of_a_refused_key_says_so(client: APIClient, connection: BrokerConnection, venue: TradingVenue) -> None:
    venue.book.accounts.clear()
    assert tasks.test_connection(str(connection.pk), connection.owner_id) is False
    found = client.get(f"{URL}/{connection.pk}").json()["test"]
    assert (found["ok"], found["code"], found["warnings"]) == (False, "credentials_refused", [])


def test_the_answer_about_a_key_that_was_changed_meanwhile_is_dropped(
    connection: BrokerConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.brokers.services import credentials_set, testing

    real = testing._asked

    def changed_meanwhile(asked: BrokerConnection) -> dict[str, Any]:
        result = real(asked)
        credentials_set(connection=asked, key="k" * 20, secret="s" * 20, actor=asked.owner)
        return result

    monkeypatch.setattr(testing, "_asked", changed_meanwhile)
    tasks.test_connection(str(connection.pk), connection.owner_id)
    connection.refresh_from_db()
    assert (connection.tested_at, connection.test_result) == (None, {})


def test_without_a_key_there_is_nothing_to_test(client: APIClient) -> None:
    answer = client.post(f"{URL}/{made(client)['id']}/test")
    assert (answer.status_code, answer.json()["code"]) == (409, "credentials_missing")


def test_real_money_takes_the_platform_the_owner_and_the_connection(
    client: APIClient, trader: User, admin: User, client_for: ClientFor, settings: LazySettings
) -> None:
    connection = exchange_connection(trader)
    place = f"{URL}/{connection.pk}"

    def live(by: APIClient = client) -> tuple[int, str]:
        answer = by.patch(place, {"is_live": True}, format="json")
        return answer.status_code, answer.json().get("code", "")

    assert live() == (400, "connection_invalid")  # on the test network
    assert client.patch(place, {"sandbox": False}, format="json").json()["money"] == "off"
    assert live() == (403, "live_trading_off")
    settings.LIVE_TRADING = True
    assert live() == (403, "user_may_not_trade_live")
    User.objects.filter(pk=trader.pk).update(may_trade_live=True)
    assert live(client_for(admin)) == (403, "live_by_owner_only")
    BrokerConnection.objects.filter(pk=connection.pk).update(encrypted_credentials="")
    assert live() == (400, "credentials_missing")
    BrokerConnection.objects.filter(pk=connection.pk).update(encrypted_credentials=connection.encrypted_credentials)
    assert live() == (200, "")
    assert client.get(place).json()["money"] == "live"
    assert client.patch(place, {"sandbox": True}, format="json").json()["code"] == "connection_invalid"


def test_paper_is_never_live(client: APIClient, trader: User, settings: LazySettings) -> None:
    settings.LIVE_TRADING = True
    found = client.post(URL, {"name": "Paper"}, format="json").json()
    answer = client.patch(f"{URL}/{found['id']}", {"is_live": True}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "connection_invalid")


def test_anothers_connection_is_not_there(
    other_trader: User, connection: BrokerConnection, client_for: ClientFor
) -> None:
    stranger, place = client_for(other_trader), f"{URL}/{connection.pk}"
    assert stranger.get(place).status_code == 404
    assert stranger.put(f"{place}/credentials", {"key": KEY, "secret": SECRET}, format="json").status_code == 404
    assert stranger.get(URL).json()["results"] == []


def test_an_api_key_reads_connections_and_writes_none(trader: User, connection: BrokerConnection) -> None:
    _, key = api_key_create(user=trader, name="robot", scopes=["read", "trade"])
    robot = APIClient(raise_request_exception=False)
    robot.credentials(HTTP_X_API_KEY=key)
    place = f"{URL}/{connection.pk}"
    assert robot.get(place).json()["key_hint"] == connection.key_hint
    given = {"key": KEY, "secret": SECRET}
    refused = [
        robot.post(URL, {"name": "Robot's"}, format="json"),
        robot.patch(place, {"name": "Robot's"}, format="json"),
        robot.put(f"{place}/credentials", given, format="json"),
        robot.delete(f"{place}/credentials"),
        robot.post(f"{place}/test"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 5
