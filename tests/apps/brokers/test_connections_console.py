"""Connections in the console: forms by kind, keys that are typed and never shown, and what the exchange said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.brokers.adapters.exchange.rights import MAY_WITHDRAW
from apps.brokers.credentials import credentials_of
from apps.brokers.models import BrokerConnection, BrokerKind
from apps.brokers.services import connection_test
from tests.builders import make_connection
from tests.exchange.trading import TradingVenue

from .conftest import KEY, SECRET, exchange_connection

pytestmark = pytest.mark.django_db
NAME = "admin:brokers_brokerconnection"
type ConsoleFor = Callable[[User], Client]


@pytest.fixture
def client(trader: User) -> Client:
    browser = Client()
    browser.force_login(trader)
    return browser


def page(name: str, connection: BrokerConnection) -> str:
    return reverse(f"{NAME}_{name}", args=[connection.pk])


def test_an_exchange_connection_is_made_from_the_fields_of_its_kind(client: Client, trader: User) -> None:
    given = {
        "name": "Binance", "kind": "ccxt", "exchange": "binance", "market_type": "spot", "sandbox": "on",
        "commission_rate": "0.002", "slippage_rate": "0.001", "volume_share": "0", "latency_ms": "0", "seed": "0",
        "funding_rate": "0",
    }  # fmt: skip
    client.post(reverse(f"{NAME}_add"), given)
    made = BrokerConnection.objects.get()
    assert (made.owner, made.kind, made.exchange, made.sandbox) == (trader, BrokerKind.CCXT, "binance", True)
    assert f"{made.commission_rate.normalize():f}" == "0.001"  # the paper venue's, left as it was


def test_the_test_network_is_left_where_the_box_is_cleared(client: Client) -> None:
    client.post(reverse(f"{NAME}_add"), {"name": "Real", "kind": "ccxt", "exchange": "okx", "market_type": "spot"})
    assert BrokerConnection.objects.get().sandbox is False


def test_an_exchange_that_nobody_knows_is_not_taken(client: Client) -> None:
    answer = client.post(reverse(f"{NAME}_add"), {"name": "Real", "kind": "ccxt", "exchange": "nowhere"})
    assert "exchange" in answer.context["adminform"].form.errors
    assert not BrokerConnection.objects.exists()


def test_a_key_is_typed_into_hidden_fields_and_shown_on_no_page(client: Client, trader: User) -> None:
    connection = exchange_connection(trader, encrypted_credentials="", credentials_at=None)
    dialog = client.get(page("set_credentials", connection)).content.decode()
    assert dialog.count('type="password"') == 3
    posted = {"_form_submitted": "on", "key": KEY, "secret": SECRET}
    client.post(page("set_credentials", connection), posted)
    connection.refresh_from_db()
    assert credentials_of(connection).secret == SECRET

    refused = client.post(page("set_credentials", connection), {**posted, "secret": ""})
    addresses = [reverse(f"{NAME}_changelist"), page("change", connection), page("history", connection)]
    shown = [refused.content.decode(), *(client.get(address).content.decode() for address in addresses)]
    assert not any(secret in text for text in shown for secret in (KEY, SECRET, connection.encrypted_credentials))
    assert "…1234" in shown[1]


def test_the_page_tells_what_the_exchange_said_and_warns(client: Client, trader: User, venue: TradingVenue) -> None:
    venue.book.accounts[KEY].rights.enableWithdrawals = True
    connection = exchange_connection(trader, sandbox=False)
    assert "Not tested" in client.get(page("change", connection)).content.decode()
    client.post(page("test_connection", connection), {"_form_submitted": "on"})
    assert 'hx-trigger="every 2s"' in client.get(page("change", connection)).content.decode()
    connection_test(connection_id=connection.pk, actor_id=trader.pk, now=datetime.now(UTC))
    told = client.get(page("change", connection)).content.decode()
    assert MAY_WITHDRAW in told
    assert 'hx-trigger="every 2s"' not in told
    assert "May withdraw" in client.get(reverse(f"{NAME}_changelist")).content.decode()


def test_going_live_without_every_switch_is_refused_in_words(client: Client, trader: User) -> None:
    connection = exchange_connection(trader, sandbox=False)
    answer = client.post(
        page("change", connection), {"name": connection.name, "is_active": "on", "is_live": "on"}, follow=True
    )
    assert "LIVE_TRADING is off" in answer.content.decode()
    connection.refresh_from_db()
    assert not connection.is_live


def test_a_paper_connection_offers_nothing_about_keys(client: Client, trader: User) -> None:
    connection = make_connection(trader)
    shown = client.get(page("change", connection)).content.decode()
    assert "Set credentials" not in shown
    client.post(page("set_credentials", connection), {"_form_submitted": "on", "key": KEY, "secret": SECRET})
    connection.refresh_from_db()
    assert not connection.has_credentials


def test_a_removed_key_is_gone(client: Client, connection: BrokerConnection) -> None:
    client.post(page("remove_credentials", connection), {"_form_submitted": "on"})
    connection.refresh_from_db()
    assert not connection.has_credentials
