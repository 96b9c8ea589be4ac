"""When markets are open, and what is missing then."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.marketdata.models import (
    Candle,
    Instrument,
    MarketSession,
)
from apps.marketdata.selectors.gaps import Stretch, gaps_between
from apps.marketdata.services import instrument_create
from apps.marketdata.services.sessions import UnknownCalendar, calendar_check, sessions_ensure, sessions_refresh
from tests.builders import make_candles_rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("apple")
def test_new_york_trades_by_its_clock_and_its_holidays() -> None:
    def session(day: date) -> tuple[datetime, datetime] | None:
        found = MarketSession.objects.filter(calendar="XNYS", date=day).first()
        return None if found is None else (found.opens_at, found.closes_at)

    winter, summer = date(2024, 3, 8), date(2024, 3, 11)  # The clocks went forward on the 10th.
    assert session(winter) == (datetime(2024, 3, 8, 14, 30, tzinfo=UTC), datetime(2024, 3, 8, 21, tzinfo=UTC))
    assert session(summer) == (datetime(2024, 3, 11, 13, 30, tzinfo=UTC), datetime(2024, 3, 11, 20, tzinfo=UTC))
    assert session(date(2024, 3, 29)) is None  # Good Friday
    assert session(date(2024, 3, 9)) is None  # a Saturday
    assert session(date(2023, 11, 24)) == (  # a half day
        datetime(2023, 11, 24, 14, 30, tzinfo=UTC),
        datetime(2023, 11, 24, 18, tzinfo=UTC),
    )


def test_the_currency_market_trades_from_sunday_to_friday_at_five_in_new_york() -> None:
    sessions_refresh(calendar="forex", now=datetime(2024, 4, 1, tzinfo=UTC))
    rows = MarketSession.objects.filter(calendar="forex", date__gte="2024-03-08", date__lte="2024-03-11")
    assert list(rows.values_list("date", "opens_at", "closes_at")) == [
        (date(2024, 3, 8), datetime(2024, 3, 7, 22, tzinfo=UTC), datetime(2024, 3, 8, 22, tzinfo=UTC)),
        (date(2024, 3, 11), datetime(2024, 3, 10, 21, tzinfo=UTC), datetime(2024, 3, 11, 21, tzinfo=UTC)),
    ]


def test_a_calendar_that_does_not_exist_is_refused() -> None:
    calendar_check("XLON")
    with pytest.raises(UnknownCalendar, match="XNYS, XLON or XTKS"):
        calendar_check("NOWHERE")
    sessions_ensure(calendar="24/7")
    assert not MarketSession.objects.exists()


def test_instruments_have_the_calendar_of_their_kind() -> None:
    grid = {"price_tick": Decimal("0.01"), "quantity_step": Decimal(1), "quote_currency": "USD"}
    kinds = {"forex": "forex", "stock": "XNYS", "etf": "XNYS", "cryptocurrency": "24/7", "futures": "24/7"}
    for number, (kind, calendar) in enumerate(kinds.items()):
        assert instrument_create(symbol=f"ABC{number}", asset_type=kind, **grid).calendar == calendar


def test_a_closed_market_misses_nothing_and_an_open_one_does(apple: Instrument) -> None:
    """Friday 8 March to Monday 11 March: 14:30 to 21:00, then, by summer time, 13:30 to 20:00 in UTC."""
    friday = [datetime(2024, 3, 8, hour, tzinfo=UTC) for hour in range(14, 21)]
    monday = [datetime(2024, 3, 11, hour, tzinfo=UTC) for hour in range(13, 20)]
    for time in friday + monday:
        make_candles_rows(apple, [100], start=time, source="csv")
    where = {"instrument": apple, "timeframe": "1h", "source": "csv", "start": None, "end": None}
    assert gaps_between(**where) == []
    Candle.objects.filter(open_time__in=[friday[-1], monday[0], monday[3]]).delete()
    assert gaps_between(**where) == [Stretch(friday[-1], monday[1], 2), Stretch(monday[3], monday[4], 1)]


def test_days_of_a_stock_are_its_sessions(apple: Instrument) -> None:
    days = [date(2024, 3, day) for day in (4, 5, 6, 7, 8, 11)]
    for day in days:
        make_candles_rows(apple, [100], timeframe="1d", start=datetime.combine(day, datetime.min.time(), UTC))
    where = {"instrument": apple, "timeframe": "1d", "source": "csv", "start": None, "end": None}
    assert gaps_between(**where) == []
    Candle.objects.filter(open_time__day=6).delete()
    wednesday = datetime(2024, 3, 6, tzinfo=UTC)
    assert gaps_between(**where) == [Stretch(wednesday, wednesday + timedelta(days=1), 1)]
