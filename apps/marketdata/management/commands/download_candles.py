"""`manage.py download_candles`: fetch a history from an exchange."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from algotrendy.trading.errors import TradingError
from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Download, DownloadStatus
from apps.marketdata.selectors import instrument_get
from apps.marketdata.services.downloading import download_run
from apps.marketdata.services.downloads import download_create


class Command(BaseCommand):
    help = (
        "Fetch the finished candles of an exchange, page by page. It may be interrupted and started again with the "
        "same options: it goes on where it was. With --background the workers do it, and the console shows how far."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--source", required=True, help="an exchange's id: binance, okx, coinbase, kraken, ...")
        parser.add_argument("--symbol", required=True, help="the instrument's symbol: BTC/USDT, ...")
        parser.add_argument("--timeframe", required=True, choices=[frame.value for frame in Timeframe])
        parser.add_argument("--from", dest="start", required=True, type=_day, help="first day, or ISO time, in UTC")
        parser.add_argument("--to", dest="end", type=_day, help="where to end, exclusive (default: now)")
        parser.add_argument("--source-symbol", default="", help="what the exchange calls it, where that differs")
        parser.add_argument("--background", action="store_true", help="leave it to the workers")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            download = download_create(
                instrument=instrument_get(options["symbol"]),
                timeframe=options["timeframe"],
                source=options["source"],
                start=options["start"],
                end=options["end"],
                source_symbol=options["source_symbol"],
                user=None,
            )
            if options["background"]:
                self.stdout.write(f"{download} waits for a worker; the console's page Downloads shows how far it is.")
                return
            download = self._run(download)
        except TradingError as error:
            raise CommandError(error.message) from error
        if download.status != DownloadStatus.COMPLETED:
            raise CommandError(f"{download}: {download.error or download.get_status_display()}")
        self.stdout.write(
            f"{download}: {download.inserted:,} new candles, {download.changed:,} changed, in {download.pages:,} pages."
        )

    def _run(self, download: Download) -> Download:
        """Fetch until it is over, with a worker's help or without."""
        with tqdm(total=100, unit="%", disable=not sys.stderr.isatty()) as progress:
            while download.is_under_way:
                download_run(download_id=download.pk, seconds=5)
                download.refresh_from_db()
                progress.update(download.progress - progress.n)
                if download.error:
                    progress.set_postfix_str(download.error[:60])
                if download.is_under_way and (download.retry_at or download.lease_until):
                    time.sleep(1)
        return download


def _day(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
