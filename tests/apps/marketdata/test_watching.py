"""What is wrong with the market data becomes an alert, and how the market stands is told."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_redis import get_redis_connection

from apps.accounts.models import User
from apps.alerts.models import Alert
from apps.common import jobs
from apps.marketdata import breaker, limiter, tasks
from apps.marketdata.models import Download, Feed, Gap
from apps.marketdata.services import summarizing
from apps.marketdata.services.summarizing import market_summarize
from apps.marketdata.services.watching import market_watch
from tests.builders import MARKET_TIME, make_candles_rows, make_feed, make_instrument
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def open_alerts() -> dict[str, str]:
    return {alert.code: alert.message for alert in Alert.objects.filter(resolved_at=None)}


def test_a_stale_feed_is_told_of_until_its_candles_come() -> None:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    feed = make_feed(make_instrument(), source="okx", position=now - 9 * HOUR, last_error="okx: 503")
    market_watch()
    assert open_alerts() == {"feed_stale": "The data of BTC/USD 1h (okx) is too old to trade on: okx: 503"}
    assert Alert.objects.get().page == f"/admin/marketdata/feed/{feed.pk}/change/"
    Feed.objects.update(position=now - HOUR)
    market_watch()
    assert open_alerts() == {}


def test_an_exchange_that_is_left_alone_is_told_of() -> None:
    get_redis_connection("default").flushdb()
    make_feed(make_instrument(), source="okx", fallbacks=["kraken"], position=timezone.now())
    for _ in range(5):
        breaker.failed("kraken")
    market_watch()
    assert list(open_alerts()) == ["exchange_unreachable"]
    assert "kraken does not answer" in open_alerts()["exchange_unreachable"]


def test_failed_downloads_are_told_to_who_asked_and_gaps_to_everybody(trader: User) -> None:
    instrument = make_instrument()
    series: dict[str, Any] = {"instrument": instrument, "timeframe": "1h", "source": "okx"}
    span = {"start": MARKET_TIME, "end": MARKET_TIME + 3 * HOUR}
    failed = Download.objects.create(
        **series, **span, cursor=MARKET_TIME, status="failed", finished_at=timezone.now(), error="gone",
        requested_by=trader,
    )  # fmt: skip
    for number in range(2):
        Gap.objects.create(**series, start=MARKET_TIME + 9 * number * HOUR, end=MARKET_TIME + 99 * HOUR, missing=3)
    market_watch()
    owners = dict(Alert.objects.values_list("code", "owner"))
    assert owners == {"download_failed": trader.pk, "candles_missing": None}
    assert open_alerts()["candles_missing"].startswith("BTC/USD 1h (okx) lacks 6 candles in 2 places;")
    Download.objects.filter(pk=failed.pk).update(finished_at=timezone.now() - timedelta(days=2))
    Gap.objects.update(status="filled")
    market_watch()
    assert open_alerts() == {}


def rising_and_falling() -> None:
    for symbol, closes in (("AAA/USD", [100, 110]), ("BBB/USD", [100, 99]), ("CCC/USD", [50, 50])):
        instrument = make_instrument(symbol)
        make_candles_rows(instrument, closes, source="replay")
        make_feed(instrument, position=MARKET_TIME + HOUR)
    make_feed(make_instrument("DDD/USD"))


def test_the_summary_counts_and_ranks(client_for: ClientFor) -> None:
    rising_and_falling()
    summary = client_for(None).get("/api/market-data/summary").json()
    counts = ("instruments", "rising", "falling", "unchanged", "feeds")
    assert [summary[name] for name in counts] == [3, 1, 1, 1, 4]
    (gainer,), (loser,) = summary["gainers"], summary["losers"]
    assert (gainer["symbol"], Decimal(gainer["price"])) == ("AAA/USD", 110)
    assert Decimal(gainer["change_percent"]) == 10
    assert (loser["symbol"], Decimal(loser["change_percent"])) == ("BBB/USD", -1)


def test_the_summary_is_told_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    get_redis_connection("default").delete(summarizing.KEY)
    heard: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(summarizing, "publish", lambda topic, data: heard.append((topic, data)))
    rising_and_falling()
    assert [market_summarize(), market_summarize()] == [True, False]
    Feed.objects.filter(instrument__symbol="CCC/USD").update(enabled=False)
    assert market_summarize()
    assert [(topic, data["instruments"]) for topic, data in heard] == [("summary", 3), ("summary", 2)]


def test_who_reads_across_a_hole_has_it_searched(
    client_for: ClientFor, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    instrument = make_instrument()
    make_candles_rows(instrument, range(100, 110))
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(jobs, "_send", lambda task, args, expires: sent.append((task, *args)))
    client = client_for(None)

    def read(**query: object) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            client.get("/api/market-data/BTC/USD/candles", {"timeframe": "1h", **query})

    read()
    assert sent == []
    instrument.candles.filter(open_time__in=[MARKET_TIME + 4 * HOUR, MARKET_TIME + 5 * HOUR]).delete()
    get_redis_connection("default").flushdb()
    read()
    read(limit=9)
    ((task, *args),) = sent
    assert task == "marketdata.search_span"
    assert tasks.search_span(*args) == 1
    gap = Gap.objects.get()
    assert (gap.start, gap.missing, gap.status) == (MARKET_TIME + 4 * HOUR, 2, "open")
    assert tasks.search_span(*args) == 0
    assert tasks.search_span(instrument.pk, "4h", *args[2:]) == 0  # made of the hours, not stored


def test_the_feeds_page_tells_the_age_and_how_the_exchanges_are(admin: User, client: Client) -> None:
    get_redis_connection("default").flushdb()
    feed = make_feed(
        make_instrument(), source="okx", fallbacks=["kraken", "binance"],
        last_received_at=timezone.now() - timedelta(minutes=3, seconds=5),
    )  # fmt: skip
    for _ in range(5):
        breaker.failed("kraken")
    limiter.ban("binance", 60)
    client.force_login(admin)
    assert "3\xa0minutes" in client.get("/admin/marketdata/feed/").content.decode()
    page = client.get(f"/admin/marketdata/feed/{feed.pk}/change/").content.decode()
    assert "okx is asked; kraken does not answer since" in page
    assert "binance wants to be left alone for 60 s" in page
