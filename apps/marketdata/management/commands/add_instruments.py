"""`manage.py add_instruments`: make instruments with the grids that an exchange tells."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from algotrendy.trading.errors import TradingError
from apps.marketdata.services.listing import instruments_list


class Command(BaseCommand):
    help = "Make instruments as an exchange trades them, with its ticks, steps and least quantities."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--source", required=True, help="an exchange's id: binance, okx, coinbase, kraken, ...")
        parser.add_argument("symbols", nargs="+", metavar="SYMBOL", help="BTC/USDT, ETH/USDT, ...")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made, there = instruments_list(source=options["source"], symbols=options["symbols"])
        except TradingError as error:
            raise CommandError(error.message) from error
        for instrument in made:
            step = f"{instrument.quantity_step.normalize():f}"
            self.stdout.write(f"{instrument}: tick {instrument.price_tick.normalize():f}, step {step}")
        if there:
            self.stdout.write(f"There already, and left as they are: {', '.join(there)}.")
