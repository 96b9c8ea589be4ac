"""`manage.py import_candles`: take candles from a file, all of them or none."""

from __future__ import annotations

import sys
import zoneinfo
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from tqdm import tqdm

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import TradingError
from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Instrument, Source
from apps.marketdata.selectors import instrument_get
from apps.marketdata.services import StoreReport, candles_store
from apps.marketdata.sources.csv import COLUMNS, Gap, Layout, find_gaps, read_bars

BATCH = 20_000


class Command(BaseCommand):
    help = (
        "Import candles from a CSV file with a header. Every line is checked first: a file with a bad line is refused "
        "whole, with each fault named. Importing the same file again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the file, with columns time, open, high, low, close, volume")
        parser.add_argument("--symbol", required=True, help="the instrument; make it in the console first")
        parser.add_argument("--timeframe", required=True, choices=[frame.value for frame in Timeframe])
        parser.add_argument("--source", default=Source.CSV, help="under what name to keep them (%(default)s)")
        parser.add_argument("--time-zone", default="UTC", help="zone of times that name none (default: %(default)s)")
        parser.add_argument("--time-format", help="strptime form of the times; else ISO 8601 or Unix seconds")
        parser.add_argument("--columns", default="", help="names where they differ: time=Date,volume=Vol")
        parser.add_argument("--fail-on-gaps", action="store_true", help="refuse a file in which candles are missing")
        parser.add_argument("--dry-run", action="store_true", help="check the file and report, but keep nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        frame = Timeframe(options["timeframe"])
        layout = Layout(_columns(options["columns"]), options["time_format"], _zone(options["time_zone"]))
        try:
            instrument = instrument_get(options["symbol"])
            bars = read_bars(options["file"], symbol=instrument.symbol, timeframe=frame, layout=layout)
            gaps = find_gaps(bars)
            if gaps and options["fail_on_gaps"]:
                raise CommandError(f"{options['file']}: {_gaps(gaps)}. Nothing was imported.")
            report = None if options["dry_run"] else _store(instrument, frame, options["source"], bars)
        except TradingError as error:
            raise CommandError(error.message) from error
        first, last = bars[0].open_time, bars[-1].close_time
        span = f"{len(bars):,} candles from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        self.stdout.write(f"{instrument} {frame}: {span}. {_gaps(gaps)}.")
        self.stdout.write("Nothing was kept: this was a dry run." if report is None else _stored(report))


@transaction.atomic
def _store(instrument: Instrument, frame: Timeframe, source: str, bars: list[Bar]) -> StoreReport:
    """Store all candles in one transaction, showing how far it is."""
    reports = []
    with tqdm(total=len(bars), unit=" candles", disable=not sys.stderr.isatty()) as progress:
        for start in range(0, len(bars), BATCH):
            batch = bars[start : start + BATCH]
            reports.append(candles_store(instrument=instrument, timeframe=frame, source=source, bars=batch))
            progress.update(len(batch))
    totals = zip(*((r.inserted, r.updated, r.unchanged, r.unfinished) for r in reports), strict=True)
    return StoreReport(*(sum(total) for total in totals))


def _stored(report: StoreReport) -> str:
    unfinished = f", {report.unfinished:,} left out that have not closed yet" if report.unfinished else ""
    return f"{report.inserted:,} new, {report.updated:,} changed, {report.unchanged:,} known already{unfinished}."


def _gaps(gaps: list[Gap]) -> str:
    if not gaps:
        return "No gaps"
    largest = max(gaps, key=lambda gap: gap.length)
    return (
        f"{len(gaps):,} gaps, closed market hours included; the largest is {largest.length} "
        f"from {largest.start:%Y-%m-%d %H:%M}"
    )


def _columns(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    for ours, equals, theirs in pairs:
        if not equals or ours.strip() not in COLUMNS or not theirs.strip():
            raise CommandError(f"--columns takes pairs such as time=Date, of {', '.join(COLUMNS)}; not {text!r}.")
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}


def _zone(name: str) -> str:
    try:
        return zoneinfo.ZoneInfo(name).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise CommandError(f"{name!r} is no time zone; use a name such as America/New_York.") from None
