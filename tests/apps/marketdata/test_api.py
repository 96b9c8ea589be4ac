"""Reading market data by API, without signing in."""

import pytest

from tests.builders import MARKET_TIME, make_candles_rows, make_feed, make_instrument

pytestmark = pytest.mark.django_db


@pytest.fixture
def get(client_for):
    client = client_for(None)
    return lambda path, **query: client.get(f"/api/market-data{path}", query)


def test_candles_come_oldest_first_and_page_on_from_a_start(get):
    instrument = make_instrument("EUR/USD")
    make_candles_rows(instrument, range(100, 110))
    newest = get("/EUR/USD/candles", timeframe="1h", limit=3).json()
    assert [row["close"] for row in newest["results"]] == ["107", "108", "109"]
    seen, start = [], MARKET_TIME.isoformat()
    for _ in range(6):
        page = get("/EUR/USD/candles", timeframe="1h", limit=3, start=start).json()
        seen += [row["close"] for row in page["results"]]
        start = page["next"]
        if start is None:
            break
    assert seen == [str(price) for price in range(100, 110)]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"timeframe": "7h"},
        {"timeframe": "1h", "limit": 0},
        {"timeframe": "1h", "limit": 10**9},
        {"timeframe": "1h", "start": "rubbish"},
        {"timeframe": "1h", "start": "2024-02-01T00:00:00Z", "end": "2024-01-01T00:00:00Z"},
    ],
)
def test_a_wrong_question_is_a_problem_document(get, query):
    make_instrument("EUR/USD")
    answer = get("/EUR/USD/candles", **query)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_unknown_symbol_is_not_found(get):
    assert get("/NOPE/candles", timeframe="1h").status_code == 404
    assert get("/NOPE/latest").status_code == 404


def test_instruments_feeds_and_the_latest_candle(get):
    instrument = make_instrument("EUR/USD")
    make_candles_rows(instrument, [100, 101])
    assert get("/instruments").json()["results"][0]["symbol"] == "EUR/USD"
    assert get("/EUR/USD/latest").json()["close"] == "101"
    make_feed(instrument)
    assert get("/feeds").json()["results"][0]["symbol"] == "EUR/USD"
