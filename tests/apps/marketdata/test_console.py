"""Feeds and downloads are asked for in the console, several at once, and what cannot be is said."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from apps.accounts.models import AuditEvent, Role, User
from apps.marketdata.models import Download, Feed
from tests.builders import make_feed, make_instrument, make_user

pytestmark = pytest.mark.django_db
FEEDS = "/admin/marketdata/feed/add/"
DOWNLOADS = "/admin/marketdata/download/add/"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def boss() -> Client:
    return client_of(make_user("boss", role=Role.ADMIN))


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def feeds_of(*symbols: str, **changes: object) -> dict[str, object]:
    instruments = [make_instrument(symbol).pk for symbol in symbols]
    values = {"instruments": instruments, "timeframes": ["1h", "1d"], "source": "okx", "fallbacks": "binance,kraken"}
    return {**values, "origin": "csv", "speed": "3600", "enabled": "on", **changes}


def test_feeds_are_added_for_each_instrument_and_timeframe(boss: Client) -> None:
    asked = feeds_of("BTC/USDT", "ETH/USDT")
    answer = boss.post(FEEDS, asked)
    assert (answer.status_code, answer.url) == (302, "/admin/marketdata/feed/")
    assert said(answer) == "4 feeds were added."
    assert Feed.objects.filter(enabled=True, source="okx", fallbacks=["binance", "kraken"]).count() == 4
    again = boss.post(FEEDS, {**asked, "timeframes": ["1h", "4h"], "instruments": asked["instruments"][:1]})  # type: ignore[index]
    assert said(again).endswith("1 feed was added. 1 was there already.")
    assert Feed.objects.count() == 5
    assert AuditEvent.objects.filter(action="console.added").count() == 2


def test_all_of_them_are_added_or_none(boss: Client) -> None:
    asked = feeds_of("AAA/USDT", "BTC/USDT")
    make_feed(Feed._meta.get_field("instrument").related_model.objects.get(symbol="BTC/USDT"), timeframe="1d")
    answer = boss.post(FEEDS, asked)
    assert "BTC/USDT 1d (okx): Another feed of this instrument and timeframe is enabled" in said(answer)
    assert Feed.objects.count() == 1


@pytest.mark.parametrize(
    "change", [{"source": "nowhere"}, {"instruments": []}, {"timeframes": ["7h"]}, {"fallbacks": "nowhere"}]
)
def test_what_cannot_be_a_feed_is_refused(boss: Client, change: dict[str, object]) -> None:
    answer = boss.post(FEEDS, {**feeds_of("BTC/USDT"), **change})
    assert answer.status_code == 200 or "there is no exchange 'nowhere'" in said(answer)
    assert not Feed.objects.exists()


def test_the_exchanges_that_are_known_well_come_first(boss: Client) -> None:
    page = boss.get(FEEDS).content.decode()
    assert page.index('value="kraken"') < page.index('value="bitfinex"')


def download_of(**changes: object) -> dict[str, object]:
    values = {"instrument": make_instrument("BTC/USDT").pk, "timeframe": "1h", "source": "okx", "source_symbol": ""}
    start = {"start_0": "2024-03-04", "start_1": "00:00:00"}
    return {**values, **start, "end_0": "", "end_1": "", **changes}


def test_a_trader_begins_a_download_and_sees_it(trader: User) -> None:
    client = client_of(trader)
    answer = client.post(DOWNLOADS, download_of(end_0="2024-03-05", end_1="00:00:00"))
    assert answer.status_code == 302
    row = Download.objects.get()
    assert (row.source, row.requested_by, row.status) == ("okx", trader, "pending")
    assert (row.end - row.start).days == 1
    page = client.get("/admin/marketdata/download/").content.decode()
    assert 'data-topic="downloads"' in page
    assert '<progress value="0" max="100"' in page
    assert client.get(f"/admin/marketdata/download/{row.pk}/change/").status_code == 200


def test_without_an_end_it_goes_up_to_now(trader: User) -> None:
    client_of(trader).post(DOWNLOADS, download_of())
    assert Download.objects.get().end.minute == 0


def test_a_span_without_candles_is_refused(trader: User) -> None:
    answer = client_of(trader).post(DOWNLOADS, download_of(start_0="2999-01-01"))
    assert "No candle has closed between the start and the end" in said(answer)
    assert not Download.objects.exists()


def test_viewers_begin_none(viewer: User) -> None:
    assert client_of(viewer).post(DOWNLOADS, download_of()).status_code == 403
    assert not Download.objects.exists()
