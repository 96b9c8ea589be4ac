"""`manage.py import_candles`: bring in a candle file of one's own."""

from __future__ import annotations

import argparse
import re
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from algotrendy.trading.errors import TradingError
from algotrendy.trading.values import Timeframe
from apps.marketdata.models import AssetType, Instrument, Source
from apps.marketdata.selectors import UnknownSymbol, instrument_get, instruments
from apps.marketdata.services.importing import ImportReport, NewInstrument, candles_import, describe
from apps.marketdata.sources.csv import CsvSource
from apps.marketdata.sources.parquet import ParquetSource


class Command(BaseCommand):
    help = (
        "Import finished candles from a CSV file (a header, then a candle a line) or a Parquet file. One with a "
        "bad line is refused as a whole, with each line's error; a second run of the same file changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--symbol", required=True, help="EUR/USD, GOOGL, ...")
        parser.add_argument("--timeframe", required=True, choices=[frame.value for frame in Timeframe])
        parser.add_argument(
            "--source", default=Source.CSV.value, help="name under which they are stored (default: %(default)s)"
        )
        parser.add_argument("--time-zone", default="UTC", help="zone of the file's times (default: %(default)s)")
        parser.add_argument(
            "--time-format",
            help="strptime format such as '%%m/%%d/%%Y %%H:%%M', or unix, or unix_ms; found where left out",
        )
        parser.add_argument(
            "--columns", type=_columns, default={}, help="columns of unusual names: time=Date,open=O,...; volume=none"
        )
        parser.add_argument("--fail-on-gaps", action="store_true", help="refuse a file in which candles are missing")
        parser.add_argument("--dry-run", action="store_true", help="check everything and store nothing")
        new = parser.add_argument_group("a new instrument")
        new.add_argument("--create-instrument", action="store_true", help="create the instrument if it does not exist")
        new.add_argument("--asset-type", choices=AssetType.values)
        new.add_argument("--name", default="")
        new.add_argument("--quote-currency", help="default: what follows the slash of the symbol")
        new.add_argument("--price-tick", type=_amount, help="default: the finest decimal of the file's prices")
        new.add_argument("--quantity-step", type=_amount, default=Decimal("0.0001"), help="default: %(default)s")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = self._import(options)
        except TradingError as error:
            raise CommandError(error.message) from error
        self.stdout.write(_told(report))

    def _import(self, options: dict[str, Any]) -> ImportReport:
        timeframe, source = Timeframe(options["timeframe"]), options["source"]
        if source == Source.REPLAY or not re.fullmatch(r"[a-z0-9_-]{1,32}", source):
            raise CommandError("--source is 1 to 32 of a-z, 0-9, - and _, and not replay, which is the feeds' own.")
        instrument = _instrument(options)
        with tqdm(unit=" lines", disable=not sys.stderr.isatty()) as progress:
            kind = ParquetSource if options["file"].suffix.lower() in (".parquet", ".pq") else CsvSource
            file = kind(
                path=options["file"],
                symbol=options["symbol"],
                timeframe=timeframe,
                time_zone=options["time_zone"],
                time_format=options["time_format"],
                columns=options["columns"],
                progress=progress.update,
            )
            return candles_import(
                file=file,
                instrument=instrument,
                timeframe=timeframe,
                source=source,
                fail_on_gaps=options["fail_on_gaps"],
                is_dry_run=options["dry_run"],
            )


def _instrument(options: dict[str, Any]) -> Instrument | NewInstrument:
    """Return the instrument, or what to create; raise CommandError that says which option is missing."""
    symbol = options["symbol"]
    try:
        return instrument_get(symbol)
    except UnknownSymbol:
        if not options["create_instrument"]:
            known = ", ".join(instruments().values_list("symbol", flat=True)[:20]) or "none yet"
            raise CommandError(
                f"There is no instrument {symbol!r}; there are: {known}. To create it add --create-instrument."
            ) from None
    quote = options["quote_currency"] or symbol.partition("/")[2]
    needed = [
        name for name, value in (("--asset-type", options["asset_type"]), ("--quote-currency", quote)) if not value
    ]
    if needed:
        raise CommandError(f"To create {symbol} add {' and '.join(needed)}.")
    return NewInstrument(
        symbol=symbol,
        asset_type=options["asset_type"],
        quote_currency=quote,
        quantity_step=options["quantity_step"],
        price_tick=options["price_tick"],
        name=options["name"],
    )


def _columns(text: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(name and equals and column for name, equals, column in pairs):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form time=Date,open=O")
    return {name.strip(): column.strip() for name, _, column in pairs}


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return amount


def _told(report: ImportReport) -> str:
    stored = report.stored
    done = "would be stored" if report.is_dry_run else "stored"
    lines = [
        f"{report.symbol} {report.timeframe} ({report.source}): {stored.total:,} candles {done}: "
        f"{stored.inserted:,} new, {stored.updated:,} changed, {stored.unchanged:,} as before.",
        f"They open from {report.first:%Y-%m-%d %H:%M} to {report.last:%Y-%m-%d %H:%M} UTC, "
        f"with {describe(report.gaps)}.",
    ]
    if stored.unfinished:
        lines.append(f"{stored.unfinished:,} that have not closed yet were left out.")
    return "\n".join(lines)
