"""Import a candle file: all of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from django.db import transaction

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import InvalidCandle
from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Instrument
from apps.marketdata.services.candles import StoreReport
from apps.marketdata.services.instruments import instrument_create
from apps.marketdata.services.loading import candles_load, table_of
from apps.marketdata.sources.base import FileRefused, FileSource


@dataclass(frozen=True, slots=True)
class Gaps:
    """Stretches without a candle between the first and the last one: also nights, weekends and holidays.

    `largest` is the longest stretch and `largest_after` the open time of the candle before it.
    """

    count: int
    missing: int
    largest: timedelta
    largest_after: datetime | None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What a file holds and what became of it; a dry run stores nothing and says what would be stored."""

    symbol: str
    timeframe: Timeframe
    source: str
    first: datetime
    last: datetime
    gaps: Gaps
    stored: StoreReport
    is_dry_run: bool


@dataclass(frozen=True, slots=True)
class NewInstrument:
    """An instrument to be created together with its first candles; without a tick it is the prices' finest decimal."""

    symbol: str
    asset_type: str
    quote_currency: str
    quantity_step: Decimal
    price_tick: Decimal | None = None
    min_notional: Decimal = Decimal(0)
    name: str = ""

    def create(self, bars: Sequence[Bar]) -> Instrument:
        base, slash, _ = self.symbol.partition("/")
        return instrument_create(
            symbol=self.symbol,
            name=self.name,
            asset_type=self.asset_type,
            base_currency=base if slash else "",
            quote_currency=self.quote_currency,
            price_tick=self.price_tick or finest_tick(bars),
            quantity_step=self.quantity_step,
            min_notional=self.min_notional,
        )


def candles_import(
    *,
    file: FileSource,
    instrument: Instrument | NewInstrument,
    timeframe: str,
    source: str,
    fail_on_gaps: bool = False,
    is_dry_run: bool = False,
) -> ImportReport:
    """Store the file's finished candles in one transaction; raise FileRefused and store none where one is bad."""
    bars = file.read()
    _check_spacing(bars, Timeframe(timeframe))
    gaps = gaps_of(bars, Timeframe(timeframe))
    if fail_on_gaps and gaps.count:
        raise FileRefused(
            [f"The file has {describe(gaps)}. Import it without --fail-on-gaps if they are the market's."]
        )
    try:
        with transaction.atomic():
            if isinstance(instrument, NewInstrument):
                instrument = instrument.create(bars)
            stored = candles_load(instrument=instrument, timeframe=timeframe, source=source, table=table_of(bars))
            transaction.set_rollback(is_dry_run)
    except InvalidCandle as error:
        raise FileRefused([f"The file cannot be stored: {error.message}."]) from error
    return ImportReport(
        symbol=instrument.symbol,
        timeframe=Timeframe(timeframe),
        source=source,
        first=bars[0].open_time,
        last=bars[-1].open_time,
        gaps=gaps,
        stored=stored,
        is_dry_run=is_dry_run,
    )


def _check_spacing(bars: Sequence[Bar], timeframe: Timeframe) -> None:
    """Refuse a file none of whose candles follow each other: it holds those of a longer timeframe."""
    closest = min((later.open_time - earlier.open_time for earlier, later in pairwise(bars)), default=None)
    if len(bars) > 2 and closest is not None and closest > timeframe.duration:
        fitting = [frame.value for frame in Timeframe if frame.duration <= closest][-1]
        raise FileRefused([f"No two candles of the file are {timeframe} apart; is it --timeframe {fitting}?"])


def gaps_of(bars: Sequence[Bar], timeframe: Timeframe) -> Gaps:
    """Return where candles are missing between others; `bars` are in order of time."""
    stretches = [
        (later.open_time - earlier.close_time, earlier.open_time)
        for earlier, later in pairwise(bars)
        if later.open_time > earlier.close_time
    ]
    missing = sum(stretch // timeframe.duration for stretch, _ in stretches)
    largest, after = max(stretches, key=lambda item: item[0], default=(timedelta(), None))
    return Gaps(len(stretches), missing, largest, after)


def finest_tick(bars: Sequence[Bar]) -> Decimal:
    """Return the step of the prices' finest decimal, as the file writes them."""
    decimals = max(
        -exponent
        for bar in bars
        for price in (bar.open, bar.high, bar.low, bar.close)
        if isinstance(exponent := price.as_tuple().exponent, int)
    )
    return Decimal(1).scaleb(-min(max(decimals, 0), 8))


def describe(gaps: Gaps) -> str:
    """Say in a sentence's part what is missing."""
    if not gaps.count:
        return "no gaps"
    hours = gaps.largest.total_seconds() / 3600
    return (
        f"{gaps.count:,} gap{'s' * (gaps.count != 1)} of {gaps.missing:,} candles in all, the largest "
        f"{f'{hours / 24:g} days' if hours >= 72 else f'{hours:g} hours'} after {gaps.largest_after:%Y-%m-%d %H:%M} "
        "(nights, weekends and holidays of the market are gaps too)"
    )
