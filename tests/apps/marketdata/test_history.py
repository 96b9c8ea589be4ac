"""Downloads, gaps, sessions, longer candles, retention and the feeds of exchanges, on a real database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from django.core.management import call_command
from django.utils import timezone
from django_redis import get_redis_connection

from algotrendy.trading.errors import InvalidCandle
from apps.marketdata import breaker, selectors
from apps.marketdata.models import (
    Candle,
    Download,
    DownloadStatus,
    Feed,
    Gap,
    GapStatus,
    Instrument,
    MarketSession,
    Outage,
    Retention,
)
from apps.marketdata.selectors.gaps import Stretch, gaps_between
from apps.marketdata.services import feed_update, instrument_create
from apps.marketdata.services.collecting import exchange_collect, feeds_collect
from apps.marketdata.services.downloading import download_run, downloads_sweep
from apps.marketdata.services.downloads import (
    DownloadIsOver,
    InvalidDownload,
    TooManyDownloads,
    download_cancel,
    download_create,
)
from apps.marketdata.services.feeds import InvalidFeed
from apps.marketdata.services.gaps import GapNotFillable, gap_backfill, gaps_find, outage_delete, outage_save
from apps.marketdata.services.loading import candles_load
from apps.marketdata.services.partitions import partition_years, partitions_ensure
from apps.marketdata.services.retention import candles_retain
from apps.marketdata.services.sessions import UnknownCalendar, calendar_check, sessions_ensure, sessions_refresh
from tests.builders import make_candles_rows, make_instrument, make_user
from tests.exchange.market import row
from tests.exchange.server import Fault, LoopbackExchange

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
MONDAY = datetime(2024, 3, 4, tzinfo=UTC)


@pytest.fixture
def bitcoin() -> Instrument:
    return make_instrument("BTC/USDT")


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Keep what would be handed to workers."""
    sent: list[tuple[object, ...]] = []
    for module in ("downloads", "downloading", "collecting"):
        monkeypatch.setattr(
            f"apps.marketdata.services.{module}.enqueue", lambda task, *args, **_: sent.append((task, *args))
        )
    return sent


def ask(instrument: Instrument, start: datetime, end: datetime | None = None, source: str = "okx") -> Download:
    return download_create(instrument=instrument, timeframe="1h", source=source, start=start, end=end, user=None)


def closes(instrument: Instrument, source: str) -> list[tuple[datetime, Decimal]]:
    rows = Candle.objects.filter(instrument=instrument, source=source).order_by("open_time")
    return list(rows.values_list("open_time", "close"))


def expected_closes(start: datetime, end: datetime) -> list[tuple[datetime, Decimal]]:
    times = [start + index * HOUR for index in range(int((end - start) / HOUR))]
    return [(time, Decimal(row("BTCUSDT", 3600, int(time.timestamp())).close)) for time in times]


# Downloads


@pytest.mark.usefixtures("handed")
def test_a_download_brings_every_candle_of_its_span_and_no_other(venue: LoopbackExchange, bitcoin: Instrument) -> None:
    download = ask(bitcoin, MONDAY, MONDAY + 450 * HOUR)
    assert download_run(download_id=download.pk) == "completed"
    download.refresh_from_db()
    assert closes(bitcoin, "okx") == expected_closes(MONDAY, MONDAY + 450 * HOUR)
    assert (download.progress, download.inserted, download.changed, download.pages) == (100, 450, 0, 5)
    assert not Gap.objects.exists()


@pytest.mark.usefixtures("handed")
def test_a_second_download_of_the_span_changes_nothing(venue: LoopbackExchange, bitcoin: Instrument) -> None:
    for _ in range(2):
        download = ask(bitcoin, MONDAY, MONDAY + 120 * HOUR)
        download_run(download_id=download.pk)
    download.refresh_from_db()
    assert (download.status, download.inserted, download.changed) == ("completed", 0, 0)
    assert Candle.objects.count() == 120


@pytest.mark.usefixtures("handed")
def test_killed_between_pages_it_goes_on_with_the_next(
    venue: LoopbackExchange, bitcoin: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = ask(bitcoin, MONDAY, MONDAY + 450 * HOUR)
    with monkeypatch.context() as patch:
        patch.setattr("apps.marketdata.services.downloading._end", _killed)
        patch.setattr("apps.marketdata.services.downloading._write", _killed_at(3))
        with pytest.raises(KeyboardInterrupt):
            download_run(download_id=download.pk)
    download.refresh_from_db()
    assert (download.status, download.pages, Candle.objects.count()) == (DownloadStatus.RUNNING, 2, 200)
    assert download_run(download_id=download.pk) == "claimed"  # Its lease still stands.
    Download.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert downloads_sweep() == 1
    before = len(venue.candle_requests())
    assert download_run(download_id=download.pk) == "completed"
    assert len(venue.candle_requests()) - before == 3
    assert closes(bitcoin, "okx") == expected_closes(MONDAY, MONDAY + 450 * HOUR)


def _killed(*_: object, **__: object) -> str:
    raise KeyboardInterrupt


def _killed_at(page: int):  # type: ignore[no-untyped-def]
    from apps.marketdata.services import downloading

    write, pages = downloading._write, [0]

    def wrapped(download, bars):  # type: ignore[no-untyped-def]
        pages[0] += 1
        if pages[0] == page:
            raise KeyboardInterrupt
        return write(download, bars)

    return wrapped


@pytest.mark.usefixtures("handed")
def test_a_worker_that_lost_its_lease_stores_nothing_more(
    venue: LoopbackExchange, bitcoin: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = ask(bitcoin, MONDAY, MONDAY + 450 * HOUR)
    from apps.marketdata.services import downloading

    store = downloading._store

    def canceled_meanwhile(mine, page, length):  # type: ignore[no-untyped-def]
        if mine.cursor > MONDAY:
            download_cancel(download=mine)
        return store(mine, page, length)

    monkeypatch.setattr(downloading, "_store", canceled_meanwhile)
    download_run(download_id=download.pk)
    download.refresh_from_db()
    assert (download.status, Candle.objects.count()) == (DownloadStatus.CANCELED, 100)
    with pytest.raises(DownloadIsOver):
        download_cancel(download=download)


@pytest.mark.parametrize(
    ("fault", "code", "seconds"),
    [(Fault("status", 429, {"Retry-After": "7"}), "exchange_busy", 7), (Fault("cut"), "exchange_unreachable", 1)],
    ids=["busy", "cut"],
)
@pytest.mark.usefixtures("handed")
def test_a_source_that_does_not_answer_is_asked_again_later(
    venue: LoopbackExchange, bitcoin: Instrument, fault: Fault, code: str, seconds: int
) -> None:
    download = ask(bitcoin, MONDAY, MONDAY + 120 * HOUR)
    venue.faults.append(fault)
    assert download_run(download_id=download.pk) == "pending"
    download.refresh_from_db()
    assert (download.error_code, download.failures, download.cursor) == (code, 1, MONDAY)
    assert download.retry_at is not None
    assert abs((download.retry_at - timezone.now()).total_seconds() - seconds) < 2
    assert downloads_sweep() == 0
    assert download_run(download_id=download.pk) == "claimed"
    get_redis_connection("default").flushdb()  # The ban is over,
    Download.objects.update(retry_at=timezone.now())  # and so is the pause.
    assert download_run(download_id=download.pk) == "completed"
    download.refresh_from_db()
    assert (download.error, download.failures) == ("", 0)
    assert Candle.objects.count() == 120


@pytest.mark.usefixtures("handed")
def test_what_the_exchange_refuses_ends_it_with_the_reason(venue: LoopbackExchange, bitcoin: Instrument) -> None:
    download = download_create(
        instrument=bitcoin, timeframe="4h", source="coinbase", start=MONDAY, end=MONDAY + 96 * HOUR, user=None
    )
    assert download_run(download_id=download.pk) == "failed"
    download.refresh_from_db()
    assert download.error_code == "exchange_refused"
    assert "of ours it has: 1m, 5m, 15m, 30m, 1h, 1d" in download.error


@pytest.mark.usefixtures("handed")
def test_what_cannot_be_asked_for_is_refused(bitcoin: Instrument) -> None:
    now = timezone.now()
    with pytest.raises(InvalidDownload, match="No candle has closed"):
        ask(bitcoin, now - timedelta(minutes=10))
    with pytest.raises(InvalidDownload, match="no exchange 'nowhere'"):
        ask(bitcoin, MONDAY, source="nowhere")
    assert ask(bitcoin, MONDAY, MONDAY + HOUR) == ask(bitcoin, MONDAY, MONDAY + HOUR)
    trader = make_user()
    values = {"instrument": bitcoin, "timeframe": "1h", "source": "okx", "end": None, "user": trader}
    for day in range(10):
        download_create(start=MONDAY + timedelta(days=day), **values)
    with pytest.raises(TooManyDownloads, match="10 of your downloads"):
        download_create(start=MONDAY + timedelta(days=20), **values)


def test_the_command_fetches_and_says_what_came(
    venue: LoopbackExchange, bitcoin: Instrument, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"source": "binance", "symbol": "BTC/USDT", "timeframe": "1h"}
    call_command("download_candles", **options, start=MONDAY, end=MONDAY + 48 * HOUR)
    assert "48 new candles, 0 changed, in 1 pages" in capsys.readouterr().out
    assert closes(bitcoin, "binance") == expected_closes(MONDAY, MONDAY + 48 * HOUR)


# Gaps


def without(instrument: Instrument, *hours: int, count: int = 48, source: str = "okx") -> None:
    make_candles_rows(instrument, range(100, 100 + count), start=MONDAY, source=source)
    times = [MONDAY + hour * HOUR for hour in hours]
    Candle.objects.filter(instrument=instrument, open_time__in=times).delete()


def find(instrument: Instrument, source: str = "okx") -> int:
    return gaps_find(instrument=instrument, timeframe="1h", source=source)


def test_missing_candles_are_found_once(bitcoin: Instrument) -> None:
    without(bitcoin, 5, 6, 7, 20)
    assert find(bitcoin) == 2
    assert find(bitcoin) == 0
    found = [(gap.start, gap.end, gap.missing, gap.status) for gap in Gap.objects.order_by("start")]
    assert found == [
        (MONDAY + 5 * HOUR, MONDAY + 8 * HOUR, 3, "open"),
        (MONDAY + 20 * HOUR, MONDAY + 21 * HOUR, 1, "open"),
    ]


def test_a_gap_that_was_filled_in_part_is_narrowed_and_closed_with_the_rest(bitcoin: Instrument) -> None:
    without(bitcoin, 5, 6, 7)
    find(bitcoin)
    make_candles_rows(bitcoin, [100], start=MONDAY + 6 * HOUR, source="okx")
    find(bitcoin)
    assert sorted(Gap.objects.values_list("start", "missing")) == [(MONDAY + 5 * HOUR, 1), (MONDAY + 7 * HOUR, 1)]
    for hour in (5, 7):
        make_candles_rows(bitcoin, [100], start=MONDAY + hour * HOUR, source="okx")
    find(bitcoin)
    assert set(Gap.objects.values_list("status", flat=True)) == {"filled"}


@pytest.mark.usefixtures("handed")
def test_a_backfill_fetches_the_gap_and_what_the_source_lacks_is_marked(
    venue: LoopbackExchange, bitcoin: Instrument
) -> None:
    venue.missing = {int((MONDAY + 20 * HOUR).timestamp())}
    without(bitcoin, 5, 6, 7, 20)
    find(bitcoin)
    for gap in Gap.objects.all():
        download = gap_backfill(gap=gap, user=None)
        assert (download.start, download.end) == (gap.start, gap.end)
        assert download_run(download_id=download.pk) == "completed"
    statuses = dict(Gap.objects.values_list("start", "status"))
    assert statuses == {MONDAY + 5 * HOUR: GapStatus.FILLED, MONDAY + 20 * HOUR: GapStatus.EMPTY}


def test_a_file_cannot_be_asked_for_the_rest_of_it(bitcoin: Instrument) -> None:
    without(bitcoin, 5, source="csv")
    find(bitcoin, source="csv")
    with pytest.raises(GapNotFillable, match="import a file"):
        gap_backfill(gap=Gap.objects.get(), user=None)


def test_a_known_outage_explains_the_gaps_within_it(bitcoin: Instrument) -> None:
    without(bitcoin, 5, 6, 20)
    find(bitcoin)
    outage = outage_save(
        outage=Outage(source="okx", start=MONDAY + 4 * HOUR, end=MONDAY + 8 * HOUR, note="Maintenance.")
    )
    statuses = dict(Gap.objects.values_list("start", "status"))
    assert statuses == {MONDAY + 5 * HOUR: GapStatus.EXPLAINED, MONDAY + 20 * HOUR: GapStatus.OPEN}
    outage_delete(outage=outage)
    assert set(Gap.objects.values_list("status", flat=True)) == {GapStatus.OPEN}


# Sessions


@pytest.fixture
def apple() -> Instrument:
    instrument = make_instrument("AAPL", calendar="XNYS", asset_type="stock")
    sessions_refresh(calendar="XNYS", now=datetime(2024, 4, 1, tzinfo=UTC))
    return instrument


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


# Longer candles


def minutes(instrument: Instrument, start: datetime, count: int, *, source: str = "csv") -> list[Candle]:
    values = [100 + (index * 7) % 31 for index in range(count)]
    return make_candles_rows(instrument, values, timeframe="1m", start=start, source=source)


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


# Loading columns


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


# Retention


def test_old_candles_go_and_the_newest_thousand_stay(bitcoin: Instrument) -> None:
    now = MONDAY + timedelta(days=100)
    partitions_ensure([datetime(2009, 5, 1, tzinfo=UTC)])
    minutes(bitcoin, MONDAY, 3000)
    make_candles_rows(bitcoin, range(100, 1300), start=MONDAY)
    Retention.objects.create(timeframe="1m", days=99)
    assert candles_retain(now=now) == {"1m": 1440 - 1}
    kept = Candle.objects.filter(timeframe="1m").earliest("open_time")
    assert kept.open_time == MONDAY + timedelta(days=1, minutes=-1)
    assert Candle.objects.filter(timeframe="1h").count() == 1200
    assert 2009 not in partition_years()
    Retention.objects.update(days=1)
    candles_retain(now=now)
    assert Candle.objects.filter(timeframe="1m").count() == 1000


# Feeds of exchanges


def feed_of(instrument: Instrument, **values: object) -> Feed:
    start = timezone.now().replace(minute=0, second=0, microsecond=0) - 300 * HOUR
    return Feed.objects.create(
        **{"instrument": instrument, "timeframe": "1h", "source": "okx", "position": start, **values}
    )


def test_a_feed_catches_up_and_then_gets_what_is_new(
    venue: LoopbackExchange, bitcoin: Instrument, handed: list[tuple[object, ...]]
) -> None:
    feed = feed_of(bitcoin)
    start = feed.position + HOUR
    assert feeds_collect() == {"okx": 1}
    assert handed == [("marketdata.collect_from", "okx", [feed.pk])]
    now = timezone.now()
    new = exchange_collect(provider="okx", feed_ids=[feed.pk])
    feed.refresh_from_db()
    assert new in (299, 298)  # The last hour may have closed a second ago.
    assert closes(bitcoin, "okx") == expected_closes(start, start + new * HOUR)
    assert (feed.position, feed.provider, feed.last_error) == (start + (new - 1) * HOUR, "okx", "")
    assert feed.last_received_at is not None
    assert feed.last_received_at >= now
    assert exchange_collect(provider="okx", feed_ids=[feed.pk]) <= 1
    assert b'"timeframe": "1h"' in get_redis_connection("default").get(f"algotrendy:forming:{bitcoin.symbol}")


def test_while_the_source_does_not_answer_its_fallback_is_asked(
    venue: LoopbackExchange, bitcoin: Instrument, handed: list[tuple[object, ...]]
) -> None:
    feed = feed_of(bitcoin, fallbacks=["binance"])
    venue.faults.extend([Fault("status", 503)] * 5)
    for _ in range(5):
        exchange_collect(provider="okx", feed_ids=[feed.pk])
    feed.refresh_from_db()
    assert "okx does not answer" in feed.last_error
    assert breaker.state("okx").circuit == "open"
    assert feeds_collect() == {"binance": 1}
    exchange_collect(provider="binance", feed_ids=[feed.pk])
    feed.refresh_from_db()
    assert (feed.provider, feed.last_error) == ("binance", "")
    candle = Candle.objects.latest("open_time")
    assert (candle.source, candle.provider) == ("okx", "binance")


def test_where_nobody_answers_the_feed_says_so(
    venue: LoopbackExchange, bitcoin: Instrument, handed: list[tuple[object, ...]]
) -> None:
    feed = feed_of(bitcoin)
    for _ in range(5):
        breaker.failed("okx")
    assert feeds_collect() == {}
    feed.refresh_from_db()
    assert feed.last_error == "okx: no answer lately; asked again soon."


def test_a_feed_names_exchanges_that_there_are(bitcoin: Instrument) -> None:
    with pytest.raises(InvalidFeed, match="no exchange 'nowhere'"):
        feed_update(feed=Feed(instrument=bitcoin, timeframe="1h", source="nowhere"))
    with pytest.raises(InvalidFeed, match="no exchange 'nowhere'"):
        feed_update(feed=Feed(instrument=bitcoin, timeframe="1h", source="okx", fallbacks=["binance", "nowhere"]))
    feed = feed_update(feed=Feed(instrument=bitcoin, timeframe="1h", source="okx", fallbacks=["binance"]))
    assert selectors.feed_state(selectors.feeds().get(pk=feed.pk)) is selectors.FeedState.ACTIVE


def test_a_feed_is_stale_after_two_candles_and_not_over_a_weekend(apple: Instrument, bitcoin: Instrument) -> None:
    def is_stale(instrument: Instrument, position: tuple[int, ...] | None, *now: int, **values: object) -> bool:
        opened = position and datetime(2024, 3, *position, tzinfo=UTC)
        feed = Feed(instrument=instrument, timeframe="1h", source="okx", position=opened, **values)
        return selectors.feed_is_stale(feed, now=datetime(2024, 3, *now, tzinfo=UTC))

    assert not is_stale(bitcoin, (8, 12), 8, 15)  # It closed at 13:00.
    assert is_stale(bitcoin, (8, 12), 8, 15, 1)
    assert is_stale(bitcoin, None, 8, 15)
    assert not is_stale(bitcoin, None, 8, 15, enabled=False)
    assert not is_stale(apple, (8, 20), 11, 13)  # Friday's last, on Monday before the market opens
    assert not is_stale(apple, (8, 20), 11, 15)
    assert is_stale(apple, (8, 20), 11, 15, 1)  # two candles after Monday's first began


def test_a_replay_is_stale_when_nothing_has_come_for_a_quarter_of_an_hour(bitcoin: Instrument) -> None:
    now = timezone.now()
    feed = Feed(instrument=bitcoin, timeframe="1h", last_received_at=now - timedelta(minutes=15))
    assert not selectors.feed_is_stale(feed, now=now)
    assert selectors.feed_is_stale(feed, now=now + timedelta(seconds=1))
