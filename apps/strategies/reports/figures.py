"""The figures of a report as words, in sections; the table and the page show the same ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from algotrendy.trading.backtest.verdicts import Verdict

if TYPE_CHECKING:
    from apps.strategies.backtests import Report

NONE = "–"  # noqa: RUF001 - a dash where there is no figure
MARKS = {Verdict.PASSED: "ok", Verdict.WARNING: "careful", Verdict.FAILED: "WRONG"}
UNDERWATER_SHOWN = 5
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Year")


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    rows: tuple[tuple[str, str], ...]


def sections(report: Report) -> list[Section]:
    """Return all figures of a report."""
    return [
        _run(report),
        _performance(report),
        _trades(report),
        _reasons(report),
        _underwater(report),
        _honesty(report),
    ]


def percent(share: float, *, signed: bool = False) -> str:
    """Return a share in percent; a dash where it is not a number."""
    return NONE if math.isnan(share) else f"{share * 100:{'+' if signed else ''},.2f} %"


def plain(value: float, digits: int = 2) -> str:
    """Return a figure; a dash where it is not a number, endless where it is infinite."""
    if math.isnan(value):
        return NONE
    return "endless" if math.isinf(value) else f"{value:,.{digits}f}"


def span(seconds: float) -> str:
    """Return a length of time in its largest fitting unit."""
    if math.isnan(seconds):
        return NONE
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {name}"
    return f"{seconds:,.0f} seconds"


def moment(seconds: int) -> str:
    """Return a time, UTC."""
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%d %H:%M}"


def _run(report: Report) -> Section:
    result = report.result
    parameters = ", ".join(
        f"{spec.name} {spec.shown(getattr(report.rule, spec.name))}" for spec in report.rule.parameters()
    )
    series = ", ".join(f"{book.candles.symbol} {book.candles.timeframe}" for book in result.books)
    costs = result.config.costs
    bars = sum(len(book.candles) - book.first for book in result.books)
    begin = min(int(book.candles.time[book.first]) for book in result.books)
    rows = [
        ("Strategy", f"{report.rule.name} ({parameters})"),
        ("Traded", f"{series}, {bars:,} candles"),
        ("Period", f"{moment(begin)} to {moment(int(result.time[-1]))} UTC"),
        ("Costs", f"{_rate(costs.commission_rate)} commission, {_rate(costs.slippage_rate)} slippage"),
    ]
    refused = [f"{count:,} {code}" for code, count in result.denied.items() if count]
    if refused or result.skipped:
        rows.append(("Refused", ", ".join([*refused, *([f"{result.skipped:,} too small"] if result.skipped else [])])))
    return Section("Backtest", tuple(rows))


def _rate(rate: Decimal) -> str:
    return f"{(rate * 100).normalize():f} %"


def _performance(report: Report) -> Section:
    p, c = report.metrics.performance, report.metrics.comparison
    rows = (
        ("Final equity", f"{plain(p.final_equity)} of {plain(report.result.initial_cash)}"),
        ("Total return", percent(p.total_return, signed=True)),
        ("Annualized return", percent(p.annual_return, signed=True)),
        ("Buy and hold", percent(c.buy_and_hold_return, signed=True)),
        (
            "Alpha, beta",
            f"{percent(c.alpha, signed=True)} a year, {plain(c.beta)} (correlation {plain(c.correlation)})",
        ),
        ("Sharpe, Sortino", f"{plain(p.sharpe)}, {plain(p.sortino)}"),
        ("Calmar", plain(p.calmar)),
        ("Volatility", f"{percent(p.volatility)} a year"),
        ("Largest drawdown", percent(p.max_drawdown)),
        ("Longest drawdown", span(p.max_drawdown_seconds)),
        ("Exposure", f"{percent(p.exposure)} of the time"),
        ("Candles in a year", plain(p.periods_per_year, 0)),
    )
    return Section("Performance", rows)


def _trades(report: Report) -> Section:
    t = report.metrics.trades
    rows = (
        ("Closed trades", f"{t.count:,}" + (f", {t.still_open} still open" if t.still_open else "")),
        ("Won", percent(t.win_rate)),
        ("Profit factor", plain(t.profit_factor)),
        ("Expectancy", f"{plain(t.expectancy)} a trade ({percent(t.average_share, signed=True)})"),
        ("SQN", plain(t.sqn)),
        ("Average win, loss", f"{plain(t.average_win)}, {plain(t.average_loss)}"),
        ("Largest win, loss", f"{plain(t.largest_win)}, {plain(t.largest_loss)}"),
        ("Wins, losses in a row", f"{t.most_wins_in_a_row}, {t.most_losses_in_a_row}"),
        ("Average duration", span(t.average_seconds)),
        ("Average worst, best", f"{percent(t.average_mae)}, {percent(t.average_mfe)} (MAE, MFE)"),
        ("Fees", plain(t.fees)),
    )
    return Section("Trades", rows)


def _reasons(report: Report) -> Section:
    return Section(
        "Exits",
        tuple(
            (
                row.reason.replace("_", " ").capitalize(),
                f"{row.count:,}, PnL {row.pnl:+,.2f}, {percent(row.win_rate)} won",
            )
            for row in report.metrics.reasons
        ),
    )


def _underwater(report: Report) -> Section:
    rows = []
    for period in report.metrics.underwater[:UNDERWATER_SHOWN]:
        end = "not yet made up" if period.end is None else f"to {moment(period.end)}"
        rows.append((percent(-period.depth), f"from {moment(period.start)} {end}, {span(period.seconds)}"))
    return Section("Deepest drawdowns", tuple(rows))


def _honesty(report: Report) -> Section:
    rows = (
        (f"{MARKS[check.verdict]}: {check.name.replace('_', ' ')}", check.message) for check in report.honesty.checks
    )
    return Section("How far to believe it", tuple(rows))
