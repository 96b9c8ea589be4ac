"""Write down when markets that close are open, so that SQL can tell a missing candle from a closed market."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from algotrendy.trading.errors import TradingError
from apps.marketdata.models import ALWAYS_OPEN, Instrument, MarketSession

FOREX = "forex"
FIRST_DAY = date(2000, 1, 3)
AHEAD = timedelta(days=60)
NEW_YORK = ZoneInfo("America/New_York")
ROLLOVER = time(17)
"""When a day of the currency market ends and the next begins, in New York."""
type Session = tuple[date, datetime, datetime]


class UnknownCalendar(TradingError):
    """No calendar has the code."""

    code = "unknown_calendar"


def calendar_check(code: str) -> None:
    """Raise UnknownCalendar unless the code is 24/7, forex, or an exchange's."""
    if code in (ALWAYS_OPEN, FOREX):
        return
    from exchange_calendars import get_calendar_names

    if code not in get_calendar_names():
        raise UnknownCalendar(
            f"There is no calendar {code[:12]!r}; give 24/7, forex, or an exchange's code such as XNYS, XLON or XTKS."
        )


def sessions_refresh(*, calendar: str, now: datetime | None = None) -> int:
    """Write the sessions of a calendar from 2000, or its own first day, to two months ahead; return the new ones.

    What is written down already stays, save the days to come, which an exchange may still change.
    """
    moment = now or timezone.now()
    last = (moment + AHEAD).date()
    wanted = list(_of_forex(last) if calendar == FOREX else _of_exchange(calendar, last))
    MarketSession.objects.filter(calendar=calendar, opens_at__gt=moment).delete()
    known = set(MarketSession.objects.filter(calendar=calendar).values_list("date", flat=True))
    rows = [
        MarketSession(calendar=calendar, date=day, opens_at=opens, closes_at=closes)
        for day, opens, closes in wanted
        if day not in known
    ]
    MarketSession.objects.bulk_create(rows, ignore_conflicts=True, batch_size=5000)
    return len(rows)


def sessions_ensure(*, calendar: str) -> None:
    """Write the sessions of a calendar unless they reach a month ahead; raise UnknownCalendar."""
    if calendar == ALWAYS_OPEN:
        return
    calendar_check(calendar)
    enough = timezone.now() + AHEAD / 2
    if not MarketSession.objects.filter(calendar=calendar, opens_at__gt=enough).exists():
        sessions_refresh(calendar=calendar)


def all_sessions_ensure() -> int:
    """Keep the sessions of every calendar that an instrument has; return how many there are."""
    calendars = Instrument.objects.exclude(calendar=ALWAYS_OPEN).values_list("calendar", flat=True).distinct()
    for calendar in calendars:
        sessions_ensure(calendar=calendar)
    return len(calendars)


def _of_forex(last: date) -> Iterator[Session]:
    """Yield the currency market's days: from 17:00 in New York on the day before to 17:00 on the day, Monday to Friday.

    No holidays: banks keep their own, and what they do to quotes shows as gaps.
    """
    day = FIRST_DAY
    while day <= last:
        if day.weekday() < 5:
            yield day, _rollover(day - timedelta(days=1)), _rollover(day)
        day += timedelta(days=1)


def _rollover(day: date) -> datetime:
    return datetime.combine(day, ROLLOVER, NEW_YORK).astimezone(UTC)


def _of_exchange(code: str, last: date) -> Iterator[Session]:
    from exchange_calendars import get_calendar  # with pandas: half a second that only this needs

    calendar = get_calendar(code)
    start = max(FIRST_DAY, calendar.bound_min().date()) if calendar.bound_min() else FIRST_DAY
    calendar = get_calendar(code, start=str(start), end=str(last))
    for row in calendar.schedule.itertuples():
        yield row.Index.date(), row.open.to_pydatetime(), row.close.to_pydatetime()
