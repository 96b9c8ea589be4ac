"""A candle file is taken whole or refused whole, with a line for each fault that says what to do."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.marketdata import datasets
from apps.marketdata.models import Candle, Instrument
from tests.builders import make_instrument

pytestmark = pytest.mark.django_db
HEADER = "time,open,high,low,close,volume"
GOOD = [
    "2024-03-04T00:00:00,100,110,90,105,7",
    "2024-03-04T01:00:00,105,112,101,103,8",
    "2024-03-04T02:00:00,103,104,99,100,0",
]


@pytest.fixture(autouse=True)
def instrument(db: None) -> Instrument:
    return make_instrument()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "candles.csv"


def _import(file: Path, lines: list[str] | None = None, **options: Any) -> str:
    if lines is not None:
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = io.StringIO()
    call_command("import_candles", str(file), stdout=out, **{"symbol": "BTC/USD", "timeframe": "1h", **options})
    return out.getvalue()


def _refusal(file: Path, lines: list[str] | None = None, **options: Any) -> str:
    before = list(Candle.objects.values())
    with pytest.raises(CommandError) as refused:
        _import(file, lines, **options)
    assert list(Candle.objects.values()) == before
    return str(refused.value)


def _times() -> list[str]:
    return [f"{time:%d %H:%M}" for time in Candle.objects.order_by("open_time").values_list("open_time", flat=True)]


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("2024-03-04T03:00:00,100,110,106,105,7", "line 5: low 106 is above open 100; correct the line or remove it."),
        ("2024-03-04T03:00:00,107,110,106,105,7", "line 5: low 106 is above close 105; correct the line or remove it."),
        ("2024-03-04T03:00:00,100,104,90,105,7", "line 5: high 104 is below close 105; correct the line or remove it."),
        ("2024-03-04T03:00:00,100,110,90,105,-7", "line 5: volume -7 is negative; correct the line or remove it."),
        ("2024-03-04T03:00:00,100,110,0,105,7", "line 5: low 0 is not above 0; correct the line or remove it."),
        (
            "2024-03-04T01:00:00,100,110,90,105,7",
            "line 5: 2024-03-04 01:00 UTC is on line 3 already; correct the line or remove it.",
        ),
        ("2024-03-04T03:00:00,100,110,90,n/a,7", "line 5: close 'n/a' is not a number; correct it."),
        ("2024-03-04T03:00:00,100,110,90,NaN,7", "line 5: close 'NaN' is not a number; correct it."),
        (
            '2024-03-04T03:00:00,100,110,90,"1,05",7',
            "line 5: close '1,05' is not a number; write decimals with a point and no thousands separators.",
        ),
        (
            "yesterday,100,110,90,105,7",
            "line 5: 'yesterday' cannot be read as a time as the rows above; correct it or give --time-format.",
        ),
        (
            "2024-03-04T03:00:00,100,110,90,105",
            "line 5: 5 fields instead of the header's 6; complete the line or remove it.",
        ),
        (
            "2024-03-04T03:30:00,100,110,90,105,7",
            "line 5: 2024-03-04 03:30:00+00:00 does not start a 1h bar in UTC; "
            "give the file's zone with --time-zone, or check --timeframe.",
        ),
    ],
)
def test_a_bad_line_refuses_the_file(file: Path, line: str, cause: str) -> None:
    assert _refusal(file, [HEADER, *GOOD, line]) == f"candles.csv {cause}"


def test_every_fault_has_a_line_up_to_ten(file: Path) -> None:
    faults = [f"2024-03-05T{hour:02}:00:00,100,110,90,x,7" for hour in range(12)]
    told = _refusal(file, [HEADER, *GOOD, *faults]).splitlines()
    assert [line.split(":")[0] for line in told[:10]] == [f"candles.csv line {number}" for number in range(5, 15)]
    assert told[10:] == ["candles.csv: 2 more lines are wrong."]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (b"", "candles.csv is empty; it needs a header line and a candle a line."),
        (b" \n\n", "candles.csv is empty; it needs a header line and a candle a line."),
        (HEADER.encode(), "candles.csv has a header but no candles."),
        (
            b"when,open,high,low,last\n1,2,3,4,5\n",
            "candles.csv has no column for time, close, volume; it has when, open, high, low, last: name them with "
            "--columns time=...,close=...,volume=... (volume=none where there is none).",
        ),
        (b"\xff\xfe\x00", "candles.csv is not text in UTF-8; unpack or convert it first."),
    ],
)
def test_a_file_that_holds_no_candles_is_refused(file: Path, text: bytes, cause: str) -> None:
    file.write_bytes(text)
    assert _refusal(file) == cause


def test_what_cannot_be_opened_is_named(file: Path, tmp_path: Path) -> None:
    assert _refusal(file) == f"There is no file {file}; check the path."
    assert _refusal(tmp_path) == f"{tmp_path} cannot be read: Is a directory."


def test_an_unknown_symbol_lists_the_known_ones(file: Path) -> None:
    told = _refusal(file, [HEADER, *GOOD], symbol="btc/usd")
    assert told == "There is no instrument 'btc/usd'; there are: BTC/USD. To create it add --create-instrument."


def test_candles_of_a_longer_timeframe_are_refused(file: Path) -> None:
    lines = [f"2024-03-0{day},100,110,90,105,7" for day in range(4, 9)]
    assert "is it --timeframe 1d?" in _refusal(file, [HEADER, *lines])


@pytest.mark.parametrize("source", ["replay", "My File", "x" * 33, ""])
def test_the_feeds_own_series_and_unfit_names_are_refused(file: Path, source: str) -> None:
    assert "--source" in _refusal(file, [HEADER, *GOOD], source=source)


def test_gaps_are_told_or_refused(file: Path) -> None:
    lines = [HEADER, *GOOD, "2024-03-04T05:00:00,100,110,90,105,7", "2024-03-04T07:00:00,100,110,90,105,7"]
    gaps = (
        "2 gaps of 3 candles in all, the largest 2 hours after 2024-03-04 02:00 "
        "(nights, weekends and holidays of the market are gaps too)"
    )
    assert gaps in _refusal(file, lines, fail_on_gaps=True)
    assert gaps in _import(file)
    assert "no gaps" in _import(file, [HEADER, *GOOD], fail_on_gaps=True)


def test_the_same_file_again_changes_nothing(file: Path) -> None:
    assert "3 candles stored: 3 new, 0 changed, 0 as before." in _import(file, [HEADER, *GOOD])
    before = list(Candle.objects.values())
    assert "3 candles stored: 0 new, 0 changed, 3 as before." in _import(file)
    assert list(Candle.objects.values()) == before


def test_a_dry_run_keeps_nothing(file: Path) -> None:
    options = {"symbol": "NEW/EUR", "create_instrument": True, "asset_type": "stock", "dry_run": True}
    assert "3 candles would be stored: 3 new" in _import(file, [HEADER, *GOOD], **options)
    assert not Candle.objects.exists()
    assert not Instrument.objects.filter(symbol="NEW/EUR").exists()


def test_an_instrument_is_created_with_its_candles_or_not_at_all(file: Path) -> None:
    options = {"symbol": "NEW/EUR", "create_instrument": True, "asset_type": "stock"}
    _refusal(file, [HEADER, *GOOD, "2024-03-04T03:00:00,1,2,3,4,5"], **options)
    assert not Instrument.objects.filter(symbol="NEW/EUR").exists()
    _import(file, [HEADER, *GOOD, "2024-03-04T03:00:00,100.25,110,90,105.125,7"], **options)
    made = Instrument.objects.get(symbol="NEW/EUR")
    assert (made.base_currency, made.quote_currency, made.price_tick) == ("NEW", "EUR", Decimal("0.001"))
    assert made.candles.count() == 4
    told = _refusal(file, symbol="OTHER", create_instrument=True)
    assert told == "To create OTHER add --asset-type and --quote-currency."


@pytest.mark.parametrize(
    ("zone", "opens"),
    [("UTC", "04 00:00"), ("Europe/Berlin", "03 23:00"), ("America/New_York", "04 05:00"), ("Asia/Tokyo", "03 15:00")],
)
def test_times_of_another_zone_become_utc(file: Path, zone: str, opens: str) -> None:
    _import(file, [HEADER, *GOOD], time_zone=zone)
    assert _times()[0] == opens


def test_an_offset_in_the_time_itself_wins(file: Path) -> None:
    lines = [f"2024-03-04 {hour:02}:00:00+02:00,100,110,90,105,7" for hour in (2, 3)]
    _import(file, [HEADER, *lines], time_zone="Asia/Tokyo")
    assert _times() == ["04 00:00", "04 01:00"]


def test_half_hour_zones_do_not_fit_hours_in_utc(file: Path) -> None:
    assert "2024-03-03 18:30:00+00:00 does not start a 1h bar" in _refusal(
        file, [HEADER, *GOOD], time_zone="Asia/Kolkata"
    )
    daily = [HEADER, "2024-07-01,100,105,95,102,1"]
    assert "does not start a 1d bar" in _refusal(file, daily, time_zone="America/New_York", timeframe="1d")
    assert "There is no time zone 'Mars'" in _refusal(file, [HEADER, *GOOD], time_zone="Mars")


def test_the_hour_that_comes_twice_in_autumn_is_two_hours(file: Path) -> None:
    """In Berlin 2024-10-27 02:00 was first 00:00 UTC and then 01:00 UTC; on March 31 there was no 02:00."""
    local = ["01:00", "02:00", "02:00", "03:00"]
    rows = [f"2024-10-27 {time},100,110,90,105,{index}" for index, time in enumerate(local)]
    _import(file, [HEADER, *rows], time_zone="Europe/Berlin", fail_on_gaps=True)
    assert _times() == ["26 23:00", "27 00:00", "27 01:00", "27 02:00"]
    assert list(Candle.objects.order_by("open_time").values_list("volume", flat=True)) == [0, 1, 2, 3]
    before = Candle.objects.count()
    _import(file, [HEADER, *reversed(rows)], time_zone="Europe/Berlin")  # newest first
    assert Candle.objects.count() == before
    told = _refusal(file, [HEADER, "2024-03-31 02:00,100,110,90,105,7"], time_zone="Europe/Berlin")
    assert "2024-03-31 02:00:00 does not exist in Europe/Berlin" in told


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("\ufeffDate;Open;High;Low;Close;Adj Close;Volume\n04.03.2024 00:00;1;3;0.5;2;9;4\n", {}),
        ("<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\n2024.03.04 00:00\t1\t3\t.5\t2\t4\n", {}),
        ("timestamp,o,h,l,c,v\r\n1709510400,1,3,5e-1,2,4\r\n", {}),
        ("Open time,open,high,low,close,volume\n1709510400000,1,3,0.50,2,4\n\n", {}),
        ("time,open,high,low,close,volume\n03/04/2024 12AM,1,3,0.5,2,4\n", {"time_format": "%m/%d/%Y %I%p"}),
        ("a|b|c|d|e|f\n2024-03-04|1|3|.5|2|4\n", {"columns": "time=a,open=b,high=c,low=d,close=e,volume=f"}),
    ],
)
def test_usual_files_are_understood(file: Path, text: str, options: dict[str, str]) -> None:
    file.write_text(text, encoding="utf-8")
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    call_command("import_candles", str(file), "--symbol=BTC/USD", "--timeframe=1h", *arguments, stdout=io.StringIO())
    candle = Candle.objects.get()
    assert candle.open_time == datetime(2024, 3, 4, tzinfo=UTC)
    assert (candle.open, candle.high, candle.low, candle.close, candle.volume) == (1, 3, Decimal("0.5"), 2, 4)


def test_times_that_could_be_read_in_two_ways_must_be_explained(file: Path) -> None:
    told = _refusal(file, [HEADER, "03/04/2024 00:00,100,110,90,105,7"])
    assert told.startswith("candles.csv line 2: '03/04/2024 00:00' is in no known form of time; give --time-format")


def test_a_file_without_volume_says_so(file: Path) -> None:
    lines = ["time,open,high,low,close", "2024-03-04T00:00:00,1,3,0.5,2"]
    assert "volume=none" in _refusal(file, lines)
    _import(file, columns={"volume": "none"})
    assert Candle.objects.get().volume == 0


def test_the_bundled_candles_are_stored_as_their_files_have_them() -> None:
    """Counts, first and last lines read off the files themselves."""
    assert datasets.install() == 6225 + 2335
    assert datasets.install() == 0
    euro = Candle.objects.filter(instrument__symbol="EUR/USD", timeframe="1h", source="csv").order_by("open_time")
    first, last = euro[0], euro.last()
    assert last is not None
    assert (first.open_time, first.open, first.volume) == (
        datetime(2017, 1, 1, 22, tzinfo=UTC),
        Decimal("1.05236"),
        Decimal("143539993.3"),
    )
    assert (last.open_time, last.close) == (datetime(2017, 12, 29, 21, tzinfo=UTC), Decimal("1.20075"))
    google = Candle.objects.filter(instrument__symbol="GOOGL", timeframe="1d", source="csv").order_by("-open_time")
    assert (google[0].open_time, google[0].close) == (datetime(2018, 8, 29, tzinfo=UTC), Decimal("1264.650024"))
    assert google[0].open_time - google[1].open_time == timedelta(days=1)
    instrument = google[0].instrument
    assert (instrument.price_tick, instrument.min_quantity, instrument.min_notional) == (
        Decimal("0.01"),
        Decimal("0.0001"),
        1,
    )
