"""Longer candles are made of shorter ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.marketdata import selectors
from apps.marketdata.models import (
    Candle,
    Instrument,
)
from tests.builders import make_candles_rows

from .histories import HOUR, MONDAY, minutes

pytestmark = pytest.mark.django_db(transaction=True)


def folded(rows: list[Candle]) -> tuple[Decimal, ...]:
    """Return what one candle says of these, worked out by hand."""
    return (
        rows[0].open,
        max(each.high for each in rows),
        min(each.low for each in rows),
        rows[-1].close,
        sum((each.volume for each in rows), Decimal(0)),
    )


def test_longer_candles_are_made_of_minutes_when_finished(bitcoin: Instrument) -> None:
    rows = minutes(bitcoin, MONDAY + timedelta(minutes=30), 200)  # to 03:50
    Candle.objects.filter(open_time__gte=MONDAY + 2 * HOUR, open_time__lt=MONDAY + 2.5 * HOUR).delete()
    page = selectors.candles_page(instrument=bitcoin, timeframe="1h", limit=100)
    by_hour = {
        hour: [each for each in rows if each.open_time.hour == hour and (hour != 2 or each.open_time.minute >= 30)]
        for hour in (1, 2)
    }
    # The first hour began before the minutes did, and the last has not ended.
    assert page.source == "csv"
    assert page.rows == [(MONDAY + hour * HOUR, *folded(each)) for hour, each in by_hour.items()]


def test_weeks_begin_on_monday_in_utc(bitcoin: Instrument) -> None:
    rows = make_candles_rows(bitcoin, range(100, 130), timeframe="1d", start=MONDAY - timedelta(days=3))
    page = selectors.candles_page(instrument=bitcoin, timeframe="1w", limit=10)
    weeks = [rows[3 + 7 * week : 10 + 7 * week] for week in range(3)]
    assert page.rows == [(MONDAY + timedelta(weeks=index), *folded(week)) for index, week in enumerate(weeks)]


def test_days_of_a_stock_are_made_of_its_session_alone(apple: Instrument) -> None:
    opens = datetime(2024, 3, 8, 14, 30, tzinfo=UTC)
    early = make_candles_rows(apple, [1, 900], timeframe="30m", start=opens - HOUR)  # before the market opens
    session = make_candles_rows(apple, range(100, 113), timeframe="30m", start=opens)
    late = make_candles_rows(apple, [900, 1], timeframe="30m", start=opens + 6.5 * HOUR)
    page = selectors.candles_page(instrument=apple, timeframe="1d", limit=10)
    assert page.rows == [(datetime(2024, 3, 8, tzinfo=UTC), *folded(session))]
    assert early
    assert late


@pytest.mark.parametrize("limit", [1, 5, 40])
def test_the_newest_and_the_pages_agree_with_the_whole(bitcoin: Instrument, limit: int) -> None:
    minutes(bitcoin, MONDAY, 1300)
    where = {"instrument": bitcoin, "timeframe": "15m", "source": "csv"}
    whole = selectors.candles_page(**where, start=MONDAY, limit=1000).rows
    assert len(whole) == 1300 // 15
    assert selectors.candles_page(**where, limit=limit).rows == whole[-limit:]
    paged, start = [], MONDAY
    while start is not None:
        page = selectors.candles_page(**where, start=start, limit=limit)
        paged += page.rows
        start = page.next_start
    assert paged == whole
    window = selectors.candles_window(**where, until=None, length=limit)
    assert window.close.tolist() == [float(each[4]) for each in whole[-limit:]]
    assert window.time.tolist() == [int(each[0].timestamp()) for each in whole[-limit:]]


def test_what_is_stored_is_not_made(bitcoin: Instrument) -> None:
    minutes(bitcoin, MONDAY, 300)
    stored = make_candles_rows(bitcoin, [555], start=MONDAY)
    page = selectors.candles_page(instrument=bitcoin, timeframe="1h", source="csv", limit=10)
    assert [each[4] for each in page.rows] == [stored[0].close]
