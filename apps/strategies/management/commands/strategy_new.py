"""`manage.py strategy_new`: begin a strategy of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from algotrendy.trading.errors import TradingError
from apps.strategies.skeletons import skeleton_write


class Command(BaseCommand):
    help = (
        "Write a strategy file that works, to be changed into one's own, and a test beside it. The folder is "
        "STRATEGIES_DIR unless another one is named; the platform loads it within a second."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="how the strategy is called: slow_mean")
        parser.add_argument("--folder", type=Path, help="where to write it (default: STRATEGIES_DIR)")

    def handle(self, *args: Any, **options: Any) -> None:
        name, folder = options["name"], options["folder"] or settings.STRATEGIES_DIR
        if folder is None:
            raise CommandError("There is no folder of strategies; set STRATEGIES_DIR, or name one with --folder.")
        try:
            strategy, test = skeleton_write(folder, name)
        except TradingError as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"{strategy} is a strategy that works: change what it says in `signals`.\n"
            f"  .venv/bin/python -m pytest {test}\n"
            f"  .venv/bin/python manage.py strategy_files\n"
            f"  .venv/bin/python manage.py backtest {name} --instrument GOOGL --timeframe 1d"
        )
        if folder != settings.STRATEGIES_DIR:
            self.stdout.write(f"The platform loads it once STRATEGIES_DIR is {folder}, or the file is there.")
