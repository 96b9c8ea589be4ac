"""`manage.py strategy_performance`: how strategies do, live and beside their backtests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from algotrendy.trading.errors import TradingError
from apps.strategies.models import Strategy, StrategyPerformance
from apps.strategies.performance import live_figures
from apps.strategies.selectors import newest_performance

COLUMNS = (
    ("Strategy", 28), ("Portfolio", 16), ("Trades", 7), ("Won", 6), ("PnL", 12), ("Backtest", 12), ("Same", 9),
    ("Drift", 9), ("Until", 16),
)  # fmt: skip
NONE = "-"


class Command(BaseCommand):
    help = (
        "Print how strategies do: closed trades and the share that won, of all their time; then, of the period last "
        "compared with a backtest, live and backtest profit net of fees, how many trades of either are the same, "
        "and the drift in percent of the account. What was never compared shows the profit of all its time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="only strategies of this name (default: all that are enabled)")
        parser.add_argument("--now", action="store_true", help="compare them now, and keep what is found")

    def handle(self, *args: Any, name: str | None, now: bool, **options: Any) -> None:
        strategies = _strategies(name)
        self._line([title for title, _ in COLUMNS])
        for strategy in strategies:
            if now:
                self._compare(strategy)
            self._line(_row(strategy, newest_performance(strategy)))

    def _compare(self, strategy: Strategy) -> None:
        from apps.strategies.services.comparing import strategy_compare  # loads the compiler

        try:
            strategy_compare(strategy=strategy)
        except TradingError as error:
            self.stderr.write(f"{strategy}: {error.message}")

    def _line(self, texts: list[str]) -> None:
        cells = [
            text[:width].ljust(width) if number < 2 else text.rjust(width)
            for number, (text, (_, width)) in enumerate(zip(texts, COLUMNS, strict=True))
        ]
        self.stdout.write("  ".join(cells).rstrip())


def _strategies(name: str | None) -> list[Strategy]:
    rows = Strategy.objects.filter(portfolio__is_simulation=False).select_related(
        "instrument", "portfolio__connection", "portfolio__risk_profile"
    )
    found = list((rows.filter(enabled=True) if name is None else rows.filter(name=name)).order_by("name", "pk"))
    if not found and name is not None:
        known = ", ".join(sorted({repr(each) for each in rows.values_list("name", flat=True)})) or "none"
        raise CommandError(f"There is no strategy {name!r}; there are: {known}.")
    if not found:
        raise CommandError("No strategy is enabled; name one, or enable one first.")
    return found


def _row(strategy: Strategy, compared: StrategyPerformance | None) -> list[str]:
    figures = live_figures(strategy)
    won = NONE if figures.win_rate is None else f"{figures.win_rate:.0%}"
    known = [strategy.name, strategy.portfolio.name, str(figures.closed_trades), won]
    if compared is None:
        return [*known, _money(figures.net_pnl), NONE, NONE, NONE, NONE]
    return [
        *known,
        _money(compared.live_pnl),
        _money(compared.backtest_pnl),
        f"{compared.matched_trades}/{compared.live_trades + compared.backtest_trades - compared.matched_trades}",
        f"{compared.drift_percent:+.2f} %",
        f"{compared.period_end:%Y-%m-%d %H:%M}",
    ]


def _money(value: Decimal) -> str:
    return f"{value:+,.2f}"
