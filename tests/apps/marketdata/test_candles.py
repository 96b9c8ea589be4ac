"""Candles are stored once each, whoever stores them, and are read back as they were."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection, connections
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from algotrendy.trading.errors import InvalidCandle
from algotrendy.trading.values import Timeframe
from apps.common import events
from apps.marketdata import selectors, services
from apps.marketdata.models import Candle, Instrument
from apps.marketdata.services import StoreReport
from tests.builders import make_feed, make_instrument

from .bars import MONDAY, make_bar

SERIES = {"timeframe": "1h", "source": "csv"}


@pytest.fixture
def instrument(db: None) -> Instrument:
    return make_instrument()


def _store(instrument: Instrument, *hours: float, **changes: object) -> StoreReport:
    bars = [make_bar(hour, **changes) for hour in hours]
    return services.candles_store(instrument=instrument, **SERIES, bars=bars)


def test_a_second_time_changes_nothing(instrument: Instrument) -> None:
    assert _store(instrument, 0, 1, 2) == StoreReport(inserted=3, updated=0, unchanged=0, unfinished=0)
    before = list(Candle.objects.values())
    assert _store(instrument, 0, 1, 2) == StoreReport(inserted=0, updated=0, unchanged=3, unfinished=0)
    assert list(Candle.objects.values()) == before


def test_other_figures_replace_the_old_ones_in_place(instrument: Instrument) -> None:
    _store(instrument, 0, 1)
    kept = Candle.objects.get(open_time=MONDAY + timedelta(hours=1)).pk
    assert _store(instrument, 1, 2, volume=Decimal(8)) == StoreReport(1, 1, 0, 0)
    assert Candle.objects.get(pk=kept).volume == 8
    assert Candle.objects.count() == 3


def test_a_candle_that_has_not_closed_is_left_out(instrument: Instrument) -> None:
    opened = Timeframe.H1.floor(timezone.now())
    bars = [make_bar(open_time=opened - timedelta(hours=1)), make_bar(open_time=opened)]
    assert services.candles_store(instrument=instrument, **SERIES, bars=bars) == StoreReport(1, 0, 0, 1)
    assert Candle.objects.get().open_time == opened - timedelta(hours=1)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"low": Decimal(101)}, "low 101 is above open 100"),
        ({"high": Decimal(99)}, "high 99 is below open 100"),
        ({"volume": Decimal(-1)}, "volume -1 is negative"),
        ({"close": Decimal("NaN")}, "not a number"),
        ({"low": Decimal("1e-9")}, "smallest price"),
        ({"volume": Decimal("1e20")}, "20 digits"),
        ({"open_time": MONDAY + timedelta(minutes=30)}, "does not start a 1h bar"),
        ({"symbol": "ETH/USD"}, "ETH/USD"),
        ({"open_time": MONDAY + timedelta(hours=1)}, "two candles for 2024-03-04 01:00"),
    ],
)
def test_one_bad_candle_and_none_is_stored(instrument: Instrument, changes: dict[str, object], cause: str) -> None:
    bars = [make_bar(0), make_bar(1), make_bar(2, **changes)]
    with pytest.raises(InvalidCandle, match=cause):
        services.candles_store(instrument=instrument, **SERIES, bars=bars)
    assert not Candle.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_store_each_candle_once() -> None:
    instrument = make_instrument()
    reports, start = [], threading.Barrier(2)

    def work(volume: int) -> None:
        bars = [make_bar(hour, volume=Decimal(volume)) for hour in range(12_000)]
        start.wait(10)
        reports.append(services.candles_store(instrument=instrument, **SERIES, bars=bars[:: 1 if volume == 1 else -1]))
        connections.close_all()

    threads = [threading.Thread(target=work, args=(volume,)) for volume in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(report.inserted for report in reports) == Candle.objects.count() == 12_000
    assert len(set(Candle.objects.values_list("volume", flat=True))) == 1


def test_columns_hold_what_the_rows_hold(instrument: Instrument) -> None:
    _store(instrument, *range(30))
    Candle.objects.filter(open_time=MONDAY).update(volume=Decimal("12345678901234.12345678"))
    window = selectors.candles_window(instrument=instrument, **SERIES, until=MONDAY + timedelta(hours=20), length=21)
    rows = list(Candle.objects.filter(open_time__lte=MONDAY + timedelta(hours=20)).order_by("open_time"))
    assert (window.symbol, window.timeframe, len(window)) == ("BTC/USD", Timeframe.H1, 21)
    assert window.time.dtype == np.int64
    assert [window.open_time_at(index) for index in range(21)] == [row.open_time for row in rows]
    for name in selectors.PRICES:
        column = getattr(window, name)
        assert column.dtype == np.float64
        assert column.flags.c_contiguous
        assert column.tolist() == [float(getattr(row, name)) for row in rows]


def test_a_window_ends_at_its_time_and_is_cut_at_its_length(instrument: Instrument) -> None:
    _store(instrument, *range(10))

    def opened(until: float | None, length: int) -> list[float]:
        moment = None if until is None else MONDAY + timedelta(hours=until)
        window = selectors.candles_window(instrument=instrument, **SERIES, until=moment, length=length)
        return [(window.open_time_at(i) - MONDAY).total_seconds() / 3600 for i in range(len(window))]

    assert opened(5, 3) == [3, 4, 5]
    assert opened(5.5, 2) == [4, 5]
    assert opened(None, 2) == [8, 9]
    assert opened(2, 50) == [0, 1, 2]
    assert opened(-1, 5) == opened(5, 0) == []


def test_a_window_is_one_query(instrument: Instrument, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    _store(instrument, *range(10))
    with django_assert_num_queries(1):
        selectors.candles_window(instrument=instrument, **SERIES, until=MONDAY, length=500)


def test_bars_come_in_order_within_their_span(instrument: Instrument) -> None:
    bars = [make_bar(hour) for hour in range(6)]
    services.candles_store(instrument=instrument, **SERIES, bars=bars)

    def read(start: int | None, end: int | None) -> list[object]:
        span = [None if hour is None else MONDAY + timedelta(hours=hour) for hour in (start, end)]
        return list(selectors.bars(instrument=instrument, **SERIES, start=span[0], end=span[1]))

    assert read(None, None) == bars
    assert read(2, 4) == bars[2:4]
    assert read(4, None) == bars[4:]


def test_an_arrival_moves_the_feed_once(instrument: Instrument) -> None:
    feed = make_feed(instrument, last_error="away")
    assert services.candle_arrived(feed=feed, bar=make_bar(0)) is True
    assert services.candle_arrived(feed=feed, bar=make_bar(2)) is True
    assert services.candle_arrived(feed=feed, bar=make_bar(2)) is False
    assert services.candle_arrived(feed=feed, bar=make_bar(1)) is False  # the feed is past it
    feed.refresh_from_db()
    assert (feed.position, feed.last_error) == (MONDAY + timedelta(hours=2), "")
    assert feed.last_received_at is not None
    assert Candle.objects.filter(source="replay").count() == 2


def test_an_arrival_that_was_stored_moves_the_feed_and_rewrites_nothing(instrument: Instrument) -> None:
    feed = make_feed(instrument)
    services.candles_store(instrument=instrument, timeframe="1h", source="replay", bars=[make_bar(0)])
    assert services.candle_arrived(feed=feed, bar=make_bar(0, volume=Decimal(9))) is False
    feed.refresh_from_db()
    assert feed.position == MONDAY
    assert Candle.objects.get().volume == 7


@pytest.mark.django_db(transaction=True)
def test_an_arrival_is_told_of_after_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[dict[str, object], bool, int]] = []

    def hear(data: dict[str, object]) -> None:
        told.append((data, connection.in_atomic_block, Candle.objects.count()))

    monkeypatch.setitem(events._handlers, "candles", [hear])
    feed = make_feed(make_instrument())
    services.candle_arrived(feed=feed, bar=make_bar(0))
    services.candle_arrived(feed=feed, bar=make_bar(0))
    expected = {
        "symbol": "BTC/USD", "timeframe": "1h", "source": "replay", "feed_id": feed.pk,
        "time": "2024-03-04T00:00:00+00:00", "open": "100", "high": "110", "low": "90",
            "close": "100.5", "volume": "7",
    }  # fmt: skip
    assert told == [(expected, False, 1)]


def test_series_are_found_without_reading_their_candles(instrument: Instrument) -> None:
    other = make_instrument("ABC/USD")
    _store(instrument, *range(5))
    services.candles_store(instrument=instrument, timeframe="1h", source="replay", bars=[make_bar(3)])
    day = make_bar(symbol="ABC/USD", timeframe=Timeframe.D1)
    services.candles_store(instrument=other, timeframe="1d", source="csv", bars=[day])
    found = [(s.symbol, s.timeframe.value, s.source, s.first, s.last) for s in selectors.series_list()]
    hour = timedelta(hours=1)
    assert found == [
        ("ABC/USD", "1d", "csv", MONDAY, MONDAY),
        ("BTC/USD", "1h", "csv", MONDAY, MONDAY + 4 * hour),
        ("BTC/USD", "1h", "replay", MONDAY + 3 * hour, MONDAY + 3 * hour),
    ]
    assert [s.source for s in selectors.series_list(instrument)] == ["csv", "replay"]


def test_only_the_exact_symbol_is_known(instrument: Instrument) -> None:
    assert selectors.instrument_get("BTC/USD") == instrument
    for symbol in ("btc/usd", "BTC-USD", "BTCUSD", ""):
        with pytest.raises(selectors.UnknownSymbol, match="market-data/instruments"):
            selectors.instrument_get(symbol)
