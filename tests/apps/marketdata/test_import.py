"""Importing candle files: everything or nothing, and each fault told in one line with its place."""

import pytest
from django.core.management import CommandError, call_command

from apps.marketdata import datasets
from apps.marketdata.models import Candle, Instrument
from tests.builders import make_instrument

pytestmark = pytest.mark.django_db
HEADER = "time,open,high,low,close,volume\n"
GOOD = "2024-01-01T10:00:00,100,105,95,102,1000\n"


@pytest.fixture
def file(tmp_path):
    make_instrument("ACME")

    def write(text):
        path = tmp_path / "candles.csv"
        path.write_text(text)
        return str(path)

    return write


def run(path, *arguments, symbol="ACME", timeframe="1h"):
    call_command("import_candles", path, "--symbol", symbol, "--timeframe", timeframe, *arguments)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (GOOD + "2024-01-01T11:00:00,100,105,103,102,1\n", r"line 3.*low 103 is above"),
        (GOOD + "2024-01-01T11:00:00,100,101,95,102,1\n", r"line 3.*high 101 is below close 102"),
        (GOOD + "2024-01-01T11:00:00,100,105,95,102,-1\n", r"line 3.*volume -1 is negative"),
        (GOOD + GOOD, r"line 3"),
        (GOOD + "2024-01-01T11:17:00,100,105,95,102,1\n", r"line 3"),
        (GOOD + "2024-01-01T11:00:00,abc,105,95,102,1\n", r"line 3.*abc"),
        (GOOD + "yesterday,100,105,95,102,1\n", r"line 3.*yesterday"),
        (GOOD + "2024-01-01T11:00:00,NaN,105,95,102,1\n", r"line 3"),
        (GOOD + "2024-01-01T11:00:00,0,0,0,0,1\n", r"line 3"),
        ("", r"no candle|empty|holds"),
    ],
    ids=["low", "high", "volume", "twice", "off-grid", "no-number", "no-time", "nan", "zero", "no-rows"],
)
def test_a_file_with_a_bad_line_is_refused_whole(file, rows, words):
    with pytest.raises(CommandError, match=f"(?i){words}"):
        run(file(HEADER + rows))
    assert not Candle.objects.exists()


def test_a_wrong_header_a_missing_file_and_an_unknown_symbol_say_what_to_do(file, tmp_path):
    with pytest.raises(CommandError, match="close"):
        run(file("time,open,high,low,last,volume\n" + GOOD))
    with pytest.raises(CommandError, match=r"missing\.csv"):
        run(str(tmp_path / "missing.csv"))
    with pytest.raises(CommandError, match="There is no instrument 'NOPE'; there are: ACME"):
        run(file(HEADER + GOOD), symbol="NOPE")
    assert not Candle.objects.exists()


def test_a_gap_is_told_and_refused_only_on_request(file, capsys):
    rows = HEADER + GOOD + "2024-01-01T15:00:00,100,105,95,102,1\n"
    with pytest.raises(CommandError, match="gap"):
        run(file(rows), "--fail-on-gaps")
    assert not Candle.objects.exists()
    run(file(rows))
    assert "gap" in capsys.readouterr().out
    assert Candle.objects.count() == 2


def test_the_same_file_twice_changes_nothing_and_a_dry_run_keeps_nothing(file):
    path = file(HEADER + GOOD)
    run(path, "--dry-run")
    assert not Candle.objects.exists()
    run(path)
    first = Candle.objects.values().get()
    run(path)
    assert Candle.objects.values().get() == first


def test_times_of_another_zone_become_utc(file):
    run(file(HEADER + "2024-07-01T09:00:00,100,105,95,102,1\n"), "--time-zone", "America/New_York")
    assert Candle.objects.get().open_time.isoformat() == "2024-07-01T13:00:00+00:00"


def test_daily_candles_of_another_zone_are_refused_as_off_the_grid(file):
    with pytest.raises(CommandError, match=r"(?i)zone"):
        run(file(HEADER + "2024-07-01,100,105,95,102,1\n"), "--time-zone", "America/New_York", timeframe="1d")


def test_the_bundled_files_are_imported_once_and_whole():
    datasets.install()
    datasets.install()
    assert Candle.objects.filter(instrument__symbol="EUR/USD").count() == 6225
    assert Candle.objects.filter(instrument__symbol="GOOGL").count() == 2335
    first = Candle.objects.filter(instrument__symbol="EUR/USD").earliest("open_time")
    assert first.open_time.isoformat() == "2017-01-01T22:00:00+00:00"
    assert str(first.close) == "1.05227000"
    assert Instrument.objects.count() == 2
