"""Candles read as columns are those that are stored, to the last digit, in order, however they are fetched."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from algotrendy.trading.candles import Candles
from apps.marketdata.models import Candle, Instrument
from apps.marketdata.selectors import candles_between, candles_window, columns
from tests.builders import MARKET_TIME, make_candles_rows, make_instrument

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
LENGTH = 60
AWKWARD = ["0.00000001", "12345678901234567890.12345678", "0.1", "9007199254740993", "1e9", "3.30000000"]


@pytest.fixture
def instrument() -> Instrument:
    made = make_instrument()
    rows = make_candles_rows(made, [100 + number % 7 for number in range(LENGTH)])
    for number, (row, word) in enumerate(zip(rows, AWKWARD, strict=False)):
        figure = Decimal(word)
        row.open = row.high = row.low = row.close = figure
        row.volume = figure / 3 if number % 2 else Decimal(0)
        row.save()
    Candle.objects.filter(open_time=MARKET_TIME + 30 * HOUR).delete()  # a gap
    moved = Candle.objects.get(open_time=MARKET_TIME + 10 * HOUR)
    moved.delete()
    moved.pk = None
    moved.save(force_insert=True)  # stored last, and not last in time
    make_candles_rows(made, [1, 2, 3], source="other")
    return made


def stored(instrument: Instrument) -> list[tuple[object, ...]]:
    rows = Candle.objects.filter(instrument=instrument, source="csv").order_by("open_time")
    return [
        (
            int(row.open_time.timestamp()),
            *(float(getattr(row, name)) for name in ("open", "high", "low", "close", "volume")),
        )
        for row in rows
    ]


def read(candles: Candles) -> list[tuple[object, ...]]:
    assert all(column.dtype.isnative for column in (candles.time, candles.open, candles.volume))
    figures = (candles.open, candles.high, candles.low, candles.close, candles.volume)
    return list(zip(candles.time.tolist(), *(column.tolist() for column in figures), strict=True))


@pytest.fixture(params=["as they are", "in many parts", "never from the index"])
def _fetched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "in many parts":
        monkeypatch.setattr(columns, "PACKED", 7)
        monkeypatch.setattr(columns, "FEW", 5)
    elif request.param == "never from the index":
        monkeypatch.setattr(columns, "FEW", 0)


@pytest.mark.usefixtures("_fetched")
@pytest.mark.parametrize("length", [0, 1, 5, 6, 58, 59, 60, 500])
def test_the_newest_are_the_stored_ones(instrument: Instrument, length: int) -> None:
    series = {"instrument": instrument, "timeframe": "1h", "source": "csv"}
    found = candles_window(**series, until=None, length=length)  # type: ignore[arg-type]
    assert read(found) == stored(instrument)[max(LENGTH - 1 - length, 0) :]
    until = candles_window(**series, until=MARKET_TIME + 20 * HOUR, length=length)  # type: ignore[arg-type]
    assert read(until) == stored(instrument)[:21][max(21 - length, 0) :]


@pytest.mark.usefixtures("_fetched")
@pytest.mark.parametrize("before", [0, 3, 20, 500])
def test_a_span_has_the_candles_before_it(instrument: Instrument, before: int) -> None:
    series = {"instrument": instrument, "timeframe": "1h", "source": "csv"}
    start, end = MARKET_TIME + 20 * HOUR, MARKET_TIME + 40 * HOUR
    found = candles_between(**series, start=start, end=end, before=before)  # type: ignore[arg-type]
    assert read(found) == stored(instrument)[max(20 - before, 0) : 39]
    whole = candles_between(**series, start=None, end=None, before=before)  # type: ignore[arg-type]
    assert read(whole) == stored(instrument)
    later = candles_between(**series, start=MARKET_TIME + 900 * HOUR, end=None, before=before)  # type: ignore[arg-type]
    assert read(later) == (stored(instrument)[-before:] if before else [])


def test_of_a_series_without_candles_there_are_none(instrument: Instrument) -> None:
    series = {"instrument": instrument, "timeframe": "1m", "source": "csv"}
    assert len(candles_window(**series, until=None, length=5)) == 0  # type: ignore[arg-type]
    assert len(candles_between(**series, start=None, end=None, before=5)) == 0  # type: ignore[arg-type]


def test_a_series_of_days_is_read_whole() -> None:
    made = make_instrument()
    make_candles_rows(made, range(100, 130), timeframe="1d")
    found = candles_between(instrument=made, timeframe="1d", source="csv", start=None, end=None, before=0)
    assert found.close.tolist() == [float(price) for price in range(100, 130)]
