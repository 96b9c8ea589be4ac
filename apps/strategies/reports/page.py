"""A backtest's report as one HTML file that needs nothing else: charts, figures, months and trades."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from algotrendy.trading.backtest.curves import buy_and_hold, drawdowns
from algotrendy.trading.backtest.excursions import excursions
from algotrendy.trading.backtest.results import REASONS
from apps.strategies.reports.drawing import Line, Mark, chart
from apps.strategies.reports.figures import MONTHS, moment, percent, plain, sections

if TYPE_CHECKING:
    from apps.strategies.backtests import Report

MARKED, LISTED = 400, 1000
"""Beyond so many trades a chart shows no marks, and the list only the newest."""


def render_page(report: Report) -> str:
    """Return the page."""
    result = report.result
    return render_to_string(
        "strategies/backtest.html",
        {
            "title": f"{report.rule.title} on {', '.join(book.candles.symbol for book in result.books)}",
            "verdict": report.honesty.worst.value,
            "charts": [*_curves(report), *_prices(report)],
            "sections": sections(report),
            "month_names": MONTHS,
            "years": _years(report),
            "trades": _trades(report),
            "trade_count": len(result.trades),
        },
    )


def _curves(report: Report) -> list[dict[str, Any]]:
    result = report.result
    time = result.time
    lines = [Line("Buy and hold", time, buy_and_hold(result), "held"), Line("Equity", time, result.equity, "equity")]
    lost = Line("Drawdown", time, -100 * drawdowns(result.equity, result.initial_cash), "lost", fill=True)
    return [
        _figure("Equity, against buying and holding", chart("Equity", lines, height=300), lines),
        _figure("Drawdown", chart("Drawdown", [lost], height=150, unit=" %")),
    ]


def _prices(report: Report) -> list[dict[str, Any]]:
    figures = []
    for number, book in enumerate(report.result.books):
        trades = report.result.trades.where(report.result.trades.book == number)
        candles = book.candles
        seconds = int(candles.timeframe.duration.total_seconds())
        line = Line("Close", candles.time[book.first :] + seconds, candles.close[book.first :], "price")
        marks = []
        for k in range(len(trades) if len(trades) <= MARKED else 0):
            side = int(trades.side[k])
            marks.append(_mark(trades.entry_time[k], trades.entry_price[k], side > 0, "In"))
            if trades.is_closed[k]:
                reason = REASONS[trades.reason[k]].replace("_", " ")
                marks.append(_mark(trades.exit_time[k], trades.exit_price[k], side < 0, f"Out by {reason}"))
        title = f"{candles.symbol}, {len(trades):,} trades"
        figures.append(_figure(title, chart(title, [line], marks=marks, height=300)))
    return figures


def _mark(time: int, price: float, buys: bool, what: str) -> Mark:
    text = f"{what} at {plain(float(price), 5)}, {moment(int(time))}"
    return Mark(int(time), float(price), "buy" if buys else "sell", buys, text)


def _figure(title: str, svg: str, lines: list[Line] | None = None) -> dict[str, Any]:
    # The drawing escapes its own texts.
    return {"title": title, "svg": mark_safe(svg), "lines": lines or []}  # noqa: S308


def _years(report: Report) -> list[dict[str, Any]]:
    """Return the monthly returns as a table: a row a year, a cell a month, the year's own return last."""
    years: dict[int, dict[int, float]] = defaultdict(dict)
    for month in report.metrics.months:
        years[month.year][month.month] = month.share
    rows = []
    for year, shares in sorted(years.items()):
        whole = float(np.prod([1 + share for share in shares.values()])) - 1
        cells = [shares.get(month, float("nan")) for month in range(1, 13)]
        rows.append({"year": year, "cells": [_cell(share) for share in [*cells, whole]]})
    return rows


def _cell(share: float) -> dict[str, str]:
    tone = "up" if share > 0 else "down" if share < 0 else ""
    return {"text": "" if np.isnan(share) else percent(share, signed=True), "tone": tone}


def _trades(report: Report) -> list[dict[str, str]]:
    """Return the trades for the list, the newest first."""
    trades = report.result.trades
    worst, best = excursions(report.result)
    newest = range(max(len(trades) - LISTED, 0), len(trades))
    return [
        {
            "symbol": report.result.books[trades.book[k]].candles.symbol,
            "side": "long" if trades.side[k] > 0 else "short",
            "quantity": plain(float(trades.quantity[k]), 4),
            "entry": moment(int(trades.entry_time[k])),
            "entry_price": plain(float(trades.entry_price[k]), 5),
            "exit": moment(int(trades.exit_time[k])),
            "exit_price": plain(float(trades.exit_price[k]), 5),
            "reason": REASONS[trades.reason[k]].replace("_", " "),
            "pnl": f"{float(trades.pnl[k]):+,.2f}",
            "tone": "up" if trades.pnl[k] > 0 else "down",
            "share": percent(float(trades.share[k]), signed=True),
            "excursions": f"{percent(float(worst[k]))} / {percent(float(best[k]))}",
        }
        for k in reversed(newest)
    ]
