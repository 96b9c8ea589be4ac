"""`manage.py backtest`: trade stored candles with a rule in memory; say what came of it and how far to believe it."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from algotrendy.trading.backtest.config import (
    BacktestConfig,
    Entry,
    FillAt,
    Protection,
    Sizing,
    SizingRule,
    TradePlan,
)  # fmt: skip
from algotrendy.trading.errors import TradingError
from algotrendy.trading.matching import Costs
from algotrendy.trading.risk import RiskLimits
from algotrendy.trading.signals import Direction
from algotrendy.trading.strategies import registry
from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Source
from apps.marketdata.selectors import instrument_get
from apps.strategies.backtests import Period, Report, rule_backtest
from apps.strategies.reports.figures import sections
from apps.strategies.reports.page import render_page


class Command(BaseCommand):
    help = (
        "Trade stored candles with a strategy, in memory and by the rules of the paper venue: a signal fills at the "
        "next open with fee and slippage, stops come before targets. Prints the figures, and how far they may be "
        "believed. Nothing is stored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("strategy", choices=registry.names())
        parser.add_argument("--instrument", required=True, action="append", help="EUR/USD; several share one account")
        parser.add_argument("--timeframe", required=True, choices=[frame.value for frame in Timeframe])
        parser.add_argument("--from", dest="start", type=_moment, help="first candle: 2017-03-01 or 2017-03-01T12:00")
        parser.add_argument("--to", dest="end", type=_moment, help="end, not included, in the same form; UTC")
        parser.add_argument("--source", default=Source.CSV.value, help="whose candles to trade (default: %(default)s)")
        parser.add_argument("--param", action="append", default=[], type=_pair, help="name=value or name=@file.json")
        parser.add_argument("--plot", type=Path, metavar="FILE.html", help="write a page with charts and all trades")
        _add_plan(parser.add_argument_group("what is made of a signal"))
        _add_account(parser.add_argument_group("the account"))

    def handle(self, *args: Any, **options: Any) -> None:
        start, end = options["start"], options["end"]
        if start and end and start >= end:
            raise CommandError(f"--from {start:%Y-%m-%d %H:%M} is not before --to {end:%Y-%m-%d %H:%M}.")
        if len(set(options["instrument"])) < len(options["instrument"]):
            raise CommandError("Name each --instrument once.")
        try:
            report = _run(options)
        except TradingError as error:
            raise CommandError(error.message) from error
        self.stdout.write(_table(report))
        if options["plot"]:
            _write(options["plot"], render_page(report))
            self.stdout.write(f"\nThe report is in {options['plot']}; open it in a browser.")


def _add_plan(group: Any) -> None:
    group.add_argument(
        "--direction", choices=list(Direction), default=Direction.LONG_ONLY, help="(default: %(default)s)"
    )
    group.add_argument(
        "--sizing", choices=list(SizingRule), default=SizingRule.PERCENT_OF_EQUITY, help="(default: %(default)s)"
    )
    group.add_argument(
        "--size", type=_amount, default=Decimal(5), help="percent, or a quantity where fixed (default: %(default)s)"
    )
    group.add_argument(
        "--stop", type=_amount, default=Decimal(5), help="stop, percent, where the signal has none; 0 for none"
    )
    group.add_argument("--target", type=_amount, default=Decimal(10), help="target, percent, where the signal has none")
    group.add_argument("--trail", type=_amount, default=Decimal(0), help="trailing stop, percent (default: none)")
    group.add_argument("--unprotected", action="store_true", help="ignore the signals' own stops and targets")
    group.add_argument("--limit", type=_amount, default=Decimal(0), help="enter by a limit so many percent better")
    group.add_argument("--limit-candles", type=int, default=1, help="candles for which it rests (default: %(default)s)")
    group.add_argument("--min-confidence", type=float, default=0.0, help="pass over signals that are less sure")
    group.add_argument(
        "--as-live",
        action="store_true",
        help="ask the strategy on every candle through the window that a live run sees; slower, and the very trades of "
        "trade_replay",
    )


def _add_account(group: Any) -> None:
    group.add_argument("--cash", type=_amount, default=Decimal(10_000), help="(default: %(default)s)")
    group.add_argument("--commission", type=_amount, default=Decimal("0.1"), help="percent (default: %(default)s)")
    group.add_argument("--slippage", type=_amount, default=Decimal("0.05"), help="percent (default: %(default)s)")
    group.add_argument("--fill-at", choices=list(FillAt), default=FillAt.NEXT_OPEN, help="(default: %(default)s)")
    group.add_argument("--risk-limits", action="store_true", help="hold orders against a new portfolio's limits")


def _run(options: dict[str, Any]) -> Report:
    with tqdm(unit=" candles", disable=not sys.stderr.isatty()) as bar:

        def progress(stage: str, done: int) -> None:
            if stage:
                bar.set_description_str(stage)
            bar.update(done)

        return rule_backtest(
            rule=registry.build(options["strategy"], dict(options["param"])),
            instruments=[instrument_get(symbol) for symbol in options["instrument"]],
            timeframe=options["timeframe"],
            period=Period(options["source"], options["start"], options["end"]),
            plan=_plan(options),
            config=BacktestConfig(
                initial_cash=options["cash"],
                costs=Costs(options["commission"] / 100, options["slippage"] / 100),
                limits=RiskLimits(enabled=options["risk_limits"]),
                fill_at=FillAt(options["fill_at"]),
            ),
            as_live=options["as_live"],
            progress=progress,
        )


def _plan(options: dict[str, Any]) -> TradePlan:
    is_free = options["unprotected"]
    nothing = Decimal(0)
    return TradePlan(
        direction=Direction(options["direction"]),
        sizing=Sizing(SizingRule(options["sizing"]), options["size"]),
        protection=Protection(
            from_signal=not is_free,
            stop_percent=nothing if is_free else options["stop"],
            target_percent=nothing if is_free else options["target"],
            trail_percent=options["trail"],
        ),
        entry=Entry(options["limit"], options["limit_candles"]),
        min_confidence=options["min_confidence"],
    )


def _table(report: Report) -> str:
    lines: list[str] = []
    for section in sections(report):
        if section.rows:
            width = max(24, *(len(name) + 2 for name, _ in section.rows))
            lines += ["", section.title, *(f"  {name:<{width}}{text}" for name, text in section.rows)]
    return "\n".join(lines[1:])


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}. Choose another --plot.") from error


def _pair(text: str) -> tuple[str, Any]:
    name, _, word = text.partition("=")
    known: dict[str, bool] = {"true": True, "false": False}
    if word.lower() in known:
        return name, known[word.lower()]
    try:
        if word.startswith("@"):
            return name, json.loads(Path(word[1:]).read_text(encoding="utf-8"))
        return name, int(word) if word.lstrip("+-").isdigit() else float(word)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{word[1:]} cannot be read: {error.strerror}") from None
    except ValueError:
        form = "fast=10, with a number, true or false, or rules=@file.json"
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form {form}") from None


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return amount


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write it like 2017-03-01 or 2017-03-01T12:00") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
