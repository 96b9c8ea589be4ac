"""Parquet files are read as exactly, and refused as wholly, as text."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from django.core.management import CommandError, call_command
from pyarrow import parquet

from apps.marketdata.models import Candle
from tests.builders import make_instrument

pytestmark = pytest.mark.django_db
START = datetime(2024, 3, 4, tzinfo=UTC)
HOURS = [START + timedelta(hours=hour) for hour in range(3)]


@pytest.fixture(autouse=True)
def _instrument(db: None) -> None:
    make_instrument()


def write(folder: Path, times: Any, **changes: Any) -> Path:
    columns = {
        "time": times, "open": [100.1, 105.0, 103.0], "high": [110.0, 112.0, 104.0], "low": [90.0, 101.0, 99.0],
        "close": [105.0, 103.0, 100.0], "volume": [7, 8, 0], **changes,
    }  # fmt: skip
    parquet.write_table(pa.table(columns), folder / "candles.parquet")
    return folder / "candles.parquet"


def load(file: Path, **options: Any) -> str:
    out = io.StringIO()
    call_command("import_candles", str(file), stdout=out, symbol="BTC/USD", timeframe="1h", **options)
    return out.getvalue()


@pytest.mark.parametrize(
    "times",
    [
        pa.array(HOURS, pa.timestamp("us", tz="UTC")),
        pa.array(HOURS, pa.timestamp("ms", tz="Asia/Tokyo")),
        pa.array([time.replace(tzinfo=None) for time in HOURS], pa.timestamp("us")),
        pa.array([int(time.timestamp()) for time in HOURS]),
        pa.array([time.isoformat() for time in HOURS]),
    ],
    ids=["utc", "zone", "naive", "seconds", "text"],
)
def test_times_of_any_kind_are_read(tmp_path: Path, times: pa.Array) -> None:
    assert "3 new, 0 changed, 0 as before" in load(write(tmp_path, times))
    assert list(Candle.objects.order_by("open_time").values_list("open_time", flat=True)) == HOURS
    assert Candle.objects.earliest("open_time").open == Decimal("100.1")


def test_times_without_a_zone_are_in_the_one_that_is_given(tmp_path: Path) -> None:
    naive = pa.array([time.replace(tzinfo=None) for time in HOURS], pa.timestamp("us"))
    load(write(tmp_path, naive), time_zone="Asia/Tokyo")
    assert Candle.objects.earliest("open_time").open_time == START - timedelta(hours=9)


def test_decimals_are_kept_exactly_and_columns_may_have_other_names(tmp_path: Path) -> None:
    opens = pa.array([Decimal("100.12345678"), Decimal(105), Decimal(103)], pa.decimal128(20, 8))
    file = write(tmp_path, pa.array(HOURS, pa.timestamp("us", tz="UTC")), first=opens, open=pa.nulls(3))
    load(file, columns={"open": "first"})
    assert Candle.objects.earliest("open_time").open == Decimal("100.12345678")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"low": [90.0, 106.0, 99.0]}, "candles.parquet row 2: low 106.0 is above open 105.0; correct the row"),
        ({"close": [105.0, float("nan"), 100.0]}, "row 2: a price or the volume is not a number"),
        ({"high": [110.0, None, 104.0]}, "row 2: high is missing"),
        ({"time": [HOURS[0], HOURS[1], HOURS[1]]}, "row 3: 2024-03-04 01:00 UTC is in row 2 already"),
    ],
)
def test_a_bad_row_refuses_the_file(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    changes = {"time": pa.array(changes.pop("time", HOURS), pa.timestamp("us", tz="UTC")), **changes}
    with pytest.raises(CommandError, match=told.replace("(", "\\(")):
        load(write(tmp_path, **{"times": changes.pop("time"), **changes}))
    assert not Candle.objects.exists()


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "candles.parquet"
    file.write_bytes(b"time,open\n")
    with pytest.raises(CommandError, match="cannot be read as Parquet"):
        load(file)
    with pytest.raises(CommandError, match="There is no file"):
        load(tmp_path / "other.parquet")
