"""Whole columns are stored as single candles are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from django.utils import timezone

from algotrendy.trading.errors import InvalidCandle
from apps.marketdata.models import (
    Candle,
    Instrument,
)
from apps.marketdata.services.loading import candles_load
from apps.marketdata.services.partitions import partition_years

from .histories import HOUR, MONDAY

pytestmark = pytest.mark.django_db(transaction=True)


def table(count: int, start: datetime = MONDAY, **changes: object) -> pa.Table:
    columns: dict[str, object] = {
        "open_time": pa.array([start + index * HOUR for index in range(count)], pa.timestamp("us", tz="UTC")),
        "open": np.linspace(100, 200, count),
        "high": np.linspace(101, 201, count),
        "low": np.linspace(99, 199, count),
        "close": np.linspace(100, 200, count),
        "volume": np.full(count, 1234.56789012345),
        **changes,
    }
    return pa.table(columns)


def load(instrument: Instrument, rows: pa.Table) -> tuple[int, int, int, int]:
    report = candles_load(instrument=instrument, timeframe="1h", source="csv", table=rows)
    return report.inserted, report.updated, report.unchanged, report.unfinished


def test_columns_are_stored_once_and_exactly(bitcoin: Instrument) -> None:
    assert load(bitcoin, table(200)) == (200, 0, 0, 0)
    assert load(bitcoin, table(200)) == (0, 0, 200, 0)
    assert load(bitcoin, table(250)) == (50, 199, 1, 0)  # The same span of prices over more hours: other prices.
    first = Candle.objects.earliest("open_time")
    assert (first.open, first.volume) == (Decimal(100), Decimal("1234.56789012"))


def test_an_unfinished_candle_is_left_out(bitcoin: Instrument) -> None:
    start = timezone.now().replace(minute=0, second=0, microsecond=0) - 3 * HOUR
    assert load(bitcoin, table(5, start)) == (3, 0, 0, 2)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"low": np.array([99.0, 99.0, 200.5])}, "2024-03-04 02:00: low is above open"),
        ({"high": np.array([101.0, 100.0, 201.0])}, "2024-03-04 01:00: high is below open"),
        ({"volume": np.array([1.0, -1.0, 1.0])}, "2024-03-04 01:00: volume is negative"),
        ({"open": pa.array([100.0, None, 200.0])}, "a figure is missing"),
        ({"close": np.array([100.0, np.nan, 200.0])}, "cannot be kept"),
        ({"open_time": pa.array([MONDAY, MONDAY, MONDAY + HOUR], pa.timestamp("us", tz="UTC"))}, "two candles"),
        (
            {"open_time": pa.array([MONDAY + timedelta(minutes=90)] * 3, pa.timestamp("us", tz="UTC"))},
            "does not start a 1h candle",
        ),
    ],
)
def test_a_bad_row_stores_nothing_and_is_named(bitcoin: Instrument, changes: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidCandle, match=told):
        load(bitcoin, table(3, **changes))
    assert not Candle.objects.exists()


def test_years_get_their_part_when_they_are_needed(bitcoin: Instrument) -> None:
    assert load(bitcoin, table(48, datetime(2011, 12, 31, tzinfo=UTC))) == (48, 0, 0, 0)
    assert {2011, 2012} <= set(partition_years())
    assert Candle.objects.filter(open_time__year=2012).count() == 24
