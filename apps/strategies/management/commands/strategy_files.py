"""`manage.py strategy_files`: which strategy files there are, and what is wrong with them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.origins import Loaded

HEAD = ("File", "Strategies", "State", "Error")


class Command(BaseCommand):
    help = (
        "List the strategy files of STRATEGIES_DIR and the strategies of installed packages, with what is wrong with "
        "those that are broken; the status is 1 where one is."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--again", action="store_true", help="look at every file anew, also at unchanged ones")

    def handle(self, *args: Any, **options: Any) -> None:
        files = registry.files(again=options["again"])
        if not files:
            place = settings.STRATEGIES_DIR or "STRATEGIES_DIR, which is not set"
            self.stdout.write(f"There are no strategy files in {place}; `manage.py strategy_new NAME` begins one.")
            return
        for line in _table([HEAD, *map(_row, files)]):
            self.stdout.write(line)
        if any(each.problem for each in files):
            sys.exit(1)


def _row(each: Loaded) -> tuple[str, ...]:
    if each.problem is None:
        return each.path.name, ", ".join(each.strategies), "loaded", ""
    return each.path.name, "", "broken", f"line {each.problem.line}: {each.problem.message}"


def _table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
