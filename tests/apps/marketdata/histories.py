"""What the tests of histories share: asking for one, and what the loopback exchange says that it holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.marketdata.models import Candle, Download, Instrument
from apps.marketdata.services.downloads import download_create
from apps.marketdata.services.gaps import gaps_find
from tests.builders import make_candles_rows
from tests.exchange.market import row

HOUR = timedelta(hours=1)
MONDAY = datetime(2024, 3, 4, tzinfo=UTC)


def ask(instrument: Instrument, start: datetime, end: datetime | None = None, source: str = "okx") -> Download:
    return download_create(instrument=instrument, timeframe="1h", source=source, start=start, end=end, user=None)


def closes(instrument: Instrument, source: str) -> list[tuple[datetime, Decimal]]:
    rows = Candle.objects.filter(instrument=instrument, source=source).order_by("open_time")
    return list(rows.values_list("open_time", "close"))


def expected_closes(start: datetime, end: datetime) -> list[tuple[datetime, Decimal]]:
    times = [start + index * HOUR for index in range(int((end - start) / HOUR))]
    return [(time, Decimal(row("BTCUSDT", 3600, int(time.timestamp())).close)) for time in times]


def without(instrument: Instrument, *hours: int, count: int = 48, source: str = "okx") -> None:
    make_candles_rows(instrument, range(100, 100 + count), start=MONDAY, source=source)
    times = [MONDAY + hour * HOUR for hour in hours]
    Candle.objects.filter(instrument=instrument, open_time__in=times).delete()


def find(instrument: Instrument, source: str = "okx") -> int:
    return gaps_find(instrument=instrument, timeframe="1h", source=source)


def minutes(instrument: Instrument, start: datetime, count: int, *, source: str = "csv") -> list[Candle]:
    values = [100 + (index * 7) % 31 for index in range(count)]
    return make_candles_rows(instrument, values, timeframe="1m", start=start, source=source)
