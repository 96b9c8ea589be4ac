"""Indicators and prices by API: as the candles are, from the cache, and never stale."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from prometheus_client import REGISTRY
from pytest_django import DjangoAssertNumQueries

from apps.marketdata import cache, forming, services
from apps.marketdata.models import Feed, Instrument
from apps.marketdata.services.forming import forming_keep
from tests.builders import make_feed, make_instrument
from tests.conftest import ClientFor
from tests.trading import reference

from .bars import MONDAY, make_bar

pytestmark = pytest.mark.django_db(transaction=True)
type Get = Callable[..., Any]
HOURS = 400
CLOSES = [100 + 7 * ((n * n) % 13) / 13 + n / 50 for n in range(HOURS)]


@pytest.fixture
def get(client_for: ClientFor) -> Get:
    client = client_for(None)
    return lambda path, headers=None, **query: client.get(f"/api/market-data{path}", query, headers=headers)


@pytest.fixture
def instrument() -> Iterator[Instrument]:
    made = make_instrument("BTC/USD")
    bars = [bar_at(hour) for hour in range(HOURS)]
    services.candles_store(instrument=made, timeframe="1h", source="replay", bars=bars)
    yield made
    cache._unheld.clear()


@pytest.fixture
def feed(instrument: Instrument) -> Feed:
    return make_feed(instrument, position=MONDAY + timedelta(hours=HOURS - 1))


def bar_at(hour: int, close: float | None = None) -> Any:
    figure = Decimal(str(round(CLOSES[hour] if close is None else close, 4)))
    return make_bar(hour, symbol="BTC/USD", open=figure, high=figure + 2, low=figure - 2, close=figure)


def closes() -> list[float]:
    return [float(bar_at(hour).close) for hour in range(HOURS)]


def test_every_indicator_is_listed_with_its_parameters(get: Get) -> None:
    listed = {row["name"]: row for row in get("/indicators").json()}
    assert len(listed) > 150
    macd = listed["macd"]
    assert [(p["name"], p["type"], p["default"]) for p in macd["parameters"]] == [
        ("fastperiod", "integer", 12.0),
        ("slowperiod", "integer", 26.0),
        ("signalperiod", "integer", 9.0),
    ]
    assert macd["outputs"] == ["macd", "macdsignal", "macdhist"]
    assert (listed["sma"]["of"], listed["atr"]["of"]) == (True, False)


@pytest.mark.parametrize("limit", [1, 5, 100])
def test_values_are_those_of_the_whole_series_wherever_a_page_begins(
    get: Get, instrument: Instrument, limit: int
) -> None:
    expected = reference.rsi(closes(), 14)
    answer = get("/BTC/USD/indicators", name="rsi", params='{"timeperiod": 14}', timeframe="1h", limit=limit).json()
    assert answer["parameters"] == {"timeperiod": 14}
    assert answer["columns"]["real"] == pytest.approx(expected[-limit:], abs=1e-6)
    assert answer["time"][-1] == MONDAY.timestamp() + (HOURS - 1) * 3600
    start = (MONDAY + timedelta(hours=50)).isoformat()
    page = get("/BTC/USD/indicators", name="rsi", timeframe="1h", limit=limit, start=start).json()
    assert page["columns"]["real"] == pytest.approx(expected[50 : 50 + limit], abs=1e-9)
    assert page["next"] == (MONDAY + timedelta(hours=50 + limit)).isoformat().replace("+00:00", "Z")


def test_before_the_warm_up_there_is_nothing(get: Get, instrument: Instrument) -> None:
    page = get("/BTC/USD/indicators", name="sma", timeframe="1h", limit=40, start=MONDAY.isoformat()).json()
    assert page["columns"]["real"][:29] == [None] * 29
    assert page["columns"]["real"][29] == pytest.approx(sum(closes()[:30]) / 30)
    empty = get("/BTC/USD/indicators", name="bbands", timeframe="1h", end="2001-01-01T00:00:00Z").json()
    assert (empty["time"], empty["columns"]) == ([], {"upperband": [], "middleband": [], "lowerband": []})


def test_a_longer_timeframe_is_made_of_the_stored_one(get: Get, instrument: Instrument) -> None:
    page = get("/BTC/USD/indicators", name="sma", params='{"timeperiod": 2}', timeframe="4h", limit=3).json()
    fours = closes()[3::4]
    assert page["columns"]["real"] == pytest.approx([(a + b) / 2 for a, b in itertools.pairwise(fours)][-3:])


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"name": "tea_leaves"}, 404, "unknown_indicator"),
        ({"name": "sma", "params": '{"timeperiod": 0}'}, 400, "invalid_parameter"),
        ({"name": "sma", "params": '{"period": 3}'}, 400, "invalid_parameter"),
        ({"name": "sma", "params": "[3]"}, 400, "invalid_params"),
        ({"name": "sma", "params": "{"}, 400, "invalid"),
        ({"name": "sma", "of": "colour"}, 400, "invalid_choice"),
        ({"name": "sma", "limit": "0"}, 400, "min_value"),
        ({"name": "sma", "period": "3"}, 400, "unknown_field"),
        ({}, 400, "required"),
    ],
)
def test_what_cannot_be_worked_out_is_refused(
    get: Get, instrument: Instrument, query: dict[str, str], status: int, code: str
) -> None:
    answer = get("/BTC/USD/indicators", timeframe="1h", **query)
    assert answer.status_code == status
    body = answer.json()
    assert code in {body["code"], *(error["code"] for error in body.get("errors", []))}


READS = [
    ("/candles", {"timeframe": "1h", "limit": "5"}, "candles"),
    ("/indicators", {"name": "ema", "timeframe": "1h", "limit": "5"}, "indicators"),
    ("/latest", {}, "latest_candle"),
    ("/ticker", {}, "ticker"),
]


def hits(name: str) -> float:
    return REGISTRY.get_sample_value("cache_requests_total", {"cache": name, "result": "hit"}) or 0.0


@pytest.mark.parametrize(("path", "query", "name"), READS)
def test_the_second_read_asks_no_database_and_the_next_candle_is_seen_at_once(
    get: Get,
    feed: Feed,
    django_assert_num_queries: DjangoAssertNumQueries,
    path: str,
    query: dict[str, str],
    name: str,
) -> None:
    first = get(f"/BTC/USD{path}", **query)
    before = hits(name)
    with django_assert_num_queries(0):
        again = get(f"/BTC/USD{path}", **query)
    assert again.content == first.content
    assert hits(name) == before + 1
    services.candle_arrived(feed=feed, bar=make_bar(HOURS, symbol="BTC/USD"))
    moved = get(f"/BTC/USD{path}", **query)
    assert moved.content != first.content
    newest = {"candles": '"time":"2024-03-20T16:00:00Z"', "indicators": "1710950400]", "ticker": "17:00:00Z"}
    assert newest.get(name, '"time":"2024-03-20T16:00:00Z"') in moved.content.decode()


@pytest.mark.parametrize(("path", "query", "name"), READS)
def test_with_the_cache_off_the_database_answers_the_same(
    get: Get, feed: Feed, settings: LazySettings, path: str, query: dict[str, str], name: str
) -> None:
    kept = get(f"/BTC/USD{path}", **query).content
    before = hits(name)
    settings.MARKETDATA_CACHE = False
    assert get(f"/BTC/USD{path}", **query).content == kept
    assert hits(name) == before


@pytest.mark.parametrize(("path", "query", "name"), [*READS, ("", {}, "")])
def test_an_answer_is_asked_again_by_its_etag(
    get: Get, feed: Feed, path: str, query: dict[str, str], name: str
) -> None:
    place = f"/BTC/USD{path}" if path else "/instruments"
    answer = get(place, **query)
    assert answer.headers["Cache-Control"] == "public, no-cache"
    again = get(place, headers={"If-None-Match": answer.headers["ETag"]}, **query)
    assert (again.status_code, again.content) == (304, b"")
    if path:
        services.candle_arrived(feed=feed, bar=make_bar(HOURS, symbol="BTC/USD"))
        assert get(place, headers={"If-None-Match": answer.headers["ETag"]}, **query).status_code == 200


def test_a_refusal_is_not_kept(get: Get, instrument: Instrument) -> None:
    answer = get("/NO/SUCH/candles", timeframe="1h")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


def test_the_ticker_is_of_the_day_before_the_last_close(get: Get, feed: Feed) -> None:
    day = closes()[-24:]
    answer = get("/BTC/USD/ticker").json()
    assert answer["price"] == format(Decimal(str(day[-1])).normalize(), "f")
    assert float(answer["open"]) == day[0]  # a candle opens at its close here
    assert (float(answer["high"]), float(answer["low"])) == (max(day) + 2, min(day) - 2)
    assert float(answer["volume"]) == 24 * float(make_bar(0).volume)
    assert float(answer["change"]) == pytest.approx(day[-1] - day[0])
    assert float(answer["change_percent"]) == pytest.approx((day[-1] / day[0] - 1) * 100, abs=1e-4)
    assert (answer["is_final"], answer["time"]) == (True, "2024-03-20T16:00:00Z")


def test_the_ticker_moves_on_with_the_unfinished_candle_of_its_feed(get: Get, feed: Feed) -> None:
    stored = get("/BTC/USD/ticker").json()
    forming_keep(feed=feed, bar=bar_at(HOURS - 1, close=250))  # has closed already: known better
    assert get("/BTC/USD/ticker").json() == stored
    forming_keep(feed=feed, bar=replaced(make_bar(HOURS, symbol="BTC/USD"), close=Decimal("200.5")))
    moving = get("/BTC/USD/ticker").json()
    assert (moving["price"], moving["is_final"]) == ("200.5", False)
    assert float(moving["volume"]) == float(stored["volume"]) + float(make_bar(0).volume)
    forming.keep("BTC/USD", {**(forming.read("BTC/USD") or {}), "source": "okx"})
    assert get("/BTC/USD/ticker").json() == stored


def replaced(bar: Any, close: Decimal) -> Any:
    return type(bar)(bar.symbol, bar.timeframe, bar.open_time, close, close, close, close, bar.volume)


def test_without_candles_there_is_no_ticker(get: Get) -> None:
    make_instrument("ETH/USD")
    assert get("/ETH/USD/ticker").json()["code"] == "no_candle"
    assert get("/NO/SUCH/ticker").json()["code"] == "unknown_symbol"


def test_who_asks_for_everything_does_not_fill_the_memory(
    get: Get, instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "LARGEST_TOGETHER", 4000)
    for limit in range(1, 40):
        get("/BTC/USD/candles", timeframe="1h", limit=limit)
    before = hits("candles")
    assert len(json.loads(get("/BTC/USD/candles", timeframe="1h", limit=39).content)["results"]) == 39
    assert hits("candles") == before
    get("/BTC/USD/candles", timeframe="1h", limit=1)
    assert hits("candles") == before + 1
