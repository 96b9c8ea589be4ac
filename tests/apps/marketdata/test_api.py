"""Reading market data by API, without signing in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.marketdata import services
from tests.builders import MARKET_TIME, make_candles_rows, make_feed, make_instrument
from tests.conftest import ClientFor

from .bars import MONDAY, make_bar

pytestmark = pytest.mark.django_db
type Get = Callable[..., Any]


@pytest.fixture
def get(client_for: ClientFor) -> Get:
    client = client_for(None)
    return lambda path, **query: client.get(f"/api/market-data{path}", query)


def _closes(answer: Any) -> list[str]:
    return [row["close"] for row in answer.json()["results"]]


def test_candles_come_oldest_first_and_page_on_from_a_start(get: Get) -> None:
    make_candles_rows(make_instrument("EUR/USD"), range(100, 110))
    newest = get("/EUR/USD/candles", timeframe="1h", limit=3)
    assert _closes(newest) == ["107", "108", "109"]
    assert newest.json()["next"] is None
    seen, start = [], MARKET_TIME.isoformat()
    for _ in range(6):
        page = get("/EUR/USD/candles", timeframe="1h", limit=3, start=start)
        seen += _closes(page)
        start = page.json()["next"]
        if start is None:
            break
    assert seen == [str(price) for price in range(100, 110)]


def test_an_end_is_not_included_and_reads_backwards(get: Get) -> None:
    make_candles_rows(make_instrument("EUR/USD"), range(100, 110))
    end = (MARKET_TIME + timedelta(hours=5)).isoformat()
    assert _closes(get("/EUR/USD/candles", timeframe="1h", limit=2, end=end)) == ["103", "104"]
    start = (MARKET_TIME + timedelta(hours=3)).isoformat()
    between = get("/EUR/USD/candles", timeframe="1h", start=start, end=end)
    assert _closes(between) == ["103", "104"]
    assert between.json()["next"] is None


def test_a_row_has_exact_figures_and_columns_have_numbers(get: Get) -> None:
    instrument = make_instrument("EUR/USD")
    bar = make_bar(2, symbol="EUR/USD")
    services.candles_store(instrument=instrument, timeframe="1h", source="csv", bars=[bar])
    rows = get("/EUR/USD/candles", timeframe="1h").json()
    assert rows == {
        "symbol": "EUR/USD",
        "timeframe": "1h",
        "source": "csv",
        "results": [
            {
                "time": "2024-03-04T02:00:00Z",
                "open": "100",
                "high": "110",
                "low": "90",
                "close": "102.5",
                "volume": "7",
            }
        ],
        "next": None,
    }
    columns = get("/EUR/USD/candles", timeframe="1h", format="columns").json()
    assert "results" not in columns
    assert columns["columns"] == {
        "time": [int((MONDAY + timedelta(hours=2)).timestamp())],
        "open": [100.0],
        "high": [110.0],
        "low": [90.0],
        "close": [102.5],
        "volume": [7.0],
    }


def test_a_series_without_candles_is_empty(get: Get) -> None:
    make_instrument("EUR/USD")
    assert get("/EUR/USD/candles", timeframe="1d").json() == {
        "symbol": "EUR/USD", "timeframe": "1d", "source": None, "results": [], "next": None,
    }  # fmt: skip
    columns = get("/EUR/USD/candles", timeframe="1d", format="columns").json()["columns"]
    assert columns == {name: [] for name in ("time", "open", "high", "low", "close", "volume")}


def test_the_enabled_feeds_candles_are_shown_unless_others_are_asked_for(get: Get) -> None:
    instrument = make_instrument("EUR/USD")
    make_candles_rows(instrument, [100, 101, 102])
    make_candles_rows(instrument, [100], source="replay")
    assert get("/EUR/USD/candles", timeframe="1h").json()["source"] == "csv"
    services.feed_ensure(instrument=instrument, timeframe="1h")
    assert _closes(get("/EUR/USD/candles", timeframe="1h")) == ["100"]
    assert _closes(get("/EUR/USD/candles", timeframe="1h", source="csv")) == ["100", "101", "102"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "timeframe"),
        ({"timeframe": "7h"}, "timeframe"),
        ({"timeframe": "1h", "limit": 0}, "limit"),
        ({"timeframe": "1h", "limit": 10**9}, "limit"),
        ({"timeframe": "1h", "limit": "ten"}, "limit"),
        ({"timeframe": "1h", "start": "rubbish"}, "start"),
        ({"timeframe": "1h", "start": "0001-01-01T00:00:00+14:00"}, "start"),
        ({"timeframe": "1h", "end": "2024-13-01T00:00:00Z"}, "end"),
        ({"timeframe": "1h", "start": "2024-02-01T00:00:00Z", "end": "2024-01-01T00:00:00Z"}, "start"),
        ({"timeframe": "1h", "source": "a\x00b"}, "source"),
        ({"timeframe": "1h", "format": "xml"}, "format"),
        ({"timeframe": "1h", "from": "2024-01-01"}, "from"),
    ],
)
def test_a_wrong_question_is_a_problem_document(get: Get, query: dict[str, object], field: str) -> None:
    make_instrument("EUR/USD")
    answer = get("/EUR/USD/candles", **query)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {error["field"] for error in answer.json()["errors"]} == {field}


@pytest.mark.parametrize("symbol", ["EUR/USD", "EUR%2FUSD"])
def test_a_symbol_may_hold_a_slash(get: Get, symbol: str) -> None:
    make_candles_rows(make_instrument("EUR/USD"), [100])
    for path in (f"/instruments/{symbol}", f"/{symbol}/latest", f"/{symbol}/candles"):
        query = {"timeframe": "1h"} if path.endswith("candles") else {}
        assert get(path, **query).json()["symbol"] == "EUR/USD"


@pytest.mark.parametrize("symbol", ["NOPE", "eur/usd", "EUR-USD", "EUR/USDT", "X" * 40])
def test_an_unknown_symbol_is_not_found(get: Get, symbol: str) -> None:
    make_instrument("EUR/USD")
    for path in (f"/instruments/{symbol}", f"/{symbol}/latest", f"/{symbol}/candles?timeframe=1h"):
        answer = get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_symbol")


def test_a_symbol_with_a_dash_is_one_of_its_own(get: Get) -> None:
    make_instrument("EUR-USD")
    assert get("/instruments/EUR-USD").json()["symbol"] == "EUR-USD"


def test_instruments_are_listed_by_symbol(get: Get, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for symbol in ("GOOGL", "BTC/USD", "EUR/USD"):
        make_instrument(symbol)
    with django_assert_max_num_queries(1):
        found = get("/instruments").json()
    assert [row["symbol"] for row in found["results"]] == ["BTC/USD", "EUR/USD", "GOOGL"]
    assert found["results"][0]["price_tick"] == "0.01"
    first = get("/instruments", limit=2).json()
    second = get("/instruments", limit=2, cursor=first["next"]).json()
    assert [row["symbol"] for row in second["results"]] == ["GOOGL"]


def test_the_latest_candle_is_the_feeds(get: Get) -> None:
    instrument = make_instrument("EUR/USD")
    answer = get("/EUR/USD/latest")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_candle")
    feed = make_feed(instrument)
    services.candle_arrived(feed=feed, bar=make_bar(1, symbol="EUR/USD"))
    found = get("/EUR/USD/latest").json()
    assert (found["time"], found["close_time"]) == ("2024-03-04T01:00:00Z", "2024-03-04T02:00:00Z")
    assert (found["close"], found["source"]) == ("101.5", "replay")


def test_feeds_tell_how_they_are_doing(get: Get, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for symbol in ("AAA/USD", "BBB/USD", "CCC/USD"):
        make_candles_rows(make_instrument(symbol), [100, 101], start=MONDAY)
    feeds = [make_feed(make_instrument(symbol)) for symbol in ("AAA/USD", "BBB/USD", "CCC/USD")]
    services.candle_arrived(feed=feeds[1], bar=make_bar(0, symbol="BBB/USD"))
    services.candle_arrived(feed=feeds[2], bar=make_bar(1, symbol="CCC/USD"))
    with django_assert_max_num_queries(1):
        found = get("/feeds").json()["results"]
    assert [row["state"] for row in found] == ["active", "active", "finished"]
    assert found[0]["age_seconds"] is None
    assert 0 <= found[1]["age_seconds"] < 60
    assert found[2]["position"] == "2024-03-04T01:00:00Z"


def test_reading_takes_few_queries_and_none_a_row(
    get: Get, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_candles_rows(make_instrument("EUR/USD"), range(100, 400))
    with django_assert_max_num_queries(2):
        assert len(get("/EUR/USD/candles", timeframe="1h", source="csv").json()["results"]) == 300
    with django_assert_max_num_queries(4):
        get("/EUR/USD/candles", timeframe="1h")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_written(client_for: ClientFor, method: str) -> None:
    make_instrument("EUR/USD")
    for path in ("instruments", "feeds", "EUR/USD/candles", "EUR/USD/latest"):
        assert getattr(client_for(None), method)(f"/api/market-data/{path}").status_code in (401, 405)
