"""Completed backtests side by side: a column for each, the best of a row marked, and their curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.urls import reverse

from apps.strategies.models import Backtest
from apps.strategies.selectors.results import curve_of

type Data = dict[str, Any]
COLORS = (
    "#3b7cff", "#23c08e", "#f0a63a", "#b48cff", "#f4576f", "#2bb5c9", "#d97ab5", "#8fb339", "#c98d5b", "#7f8ea3",
)  # fmt: skip
POINTS = 800
SHARE, FIGURE, COUNT = "share", "figure", "count"
ROWS: tuple[tuple[str, str, str, str, Callable[[float], float] | None], ...] = (
    # name, group, key, form, what is best: the largest of this
    ("Total return", "performance", "total_return", SHARE, float),
    ("Annualized return", "performance", "annual_return", SHARE, float),
    ("Buy and hold", "comparison", "buy_and_hold_return", SHARE, None),
    ("Alpha", "comparison", "alpha", SHARE, float),
    ("Beta", "comparison", "beta", FIGURE, None),
    ("Sharpe", "performance", "sharpe", FIGURE, float),
    ("Sortino", "performance", "sortino", FIGURE, float),
    ("Calmar", "performance", "calmar", FIGURE, float),
    ("Volatility", "performance", "volatility", SHARE, None),
    ("Largest drawdown", "performance", "max_drawdown", SHARE, lambda value: -value),
    ("Exposure", "performance", "exposure", SHARE, None),
    ("Closed trades", "trades", "count", COUNT, None),
    ("Won", "trades", "win_rate", SHARE, float),
    ("Profit factor", "trades", "profit_factor", FIGURE, float),
    ("Expectancy", "trades", "expectancy", FIGURE, None),
    ("SQN", "trades", "sqn", FIGURE, float),
    ("Fees", "trades", "fees", FIGURE, None),
)


def comparison_of(backtests: Sequence[Backtest]) -> Data:
    """Return what the page of the comparison shows."""
    columns = [
        {
            "name": backtest.name,
            "url": reverse("admin:strategies_backtest_change", args=[backtest.pk]),
            "color": COLORS[number % len(COLORS)],
        }
        for number, backtest in enumerate(backtests)
    ]
    lines = [
        {"points": _growth(backtest), "color": column["color"]}
        for backtest, column in zip(backtests, columns, strict=True)
    ]
    return {"columns": columns, "lines": lines, "rows": [_row(backtests, *row) for row in ROWS]}


def _growth(backtest: Backtest) -> list[list[float]]:
    """Return the curve as percent gained, by its time."""
    columns = curve_of(backtest, POINTS)
    gained = (columns["equity"] / float(backtest.initial_cash) - 1) * 100
    return [list(point) for point in zip(columns["time"].tolist(), gained.tolist(), strict=True)]


def _row(
    backtests: Sequence[Backtest], name: str, group: str, key: str, form: str, best: Callable[[float], float] | None
) -> Data:
    values: list[float | None] = [backtest.result.figures[group][key] for backtest in backtests]
    worths = [best(value) if best and value is not None else None for value in values]
    known = {worth for worth in worths if worth is not None}
    top = max(known) if len(known) > 1 else None
    cells = [
        {"text": _text(value, form), "is_best": top is not None and worth == top}
        for value, worth in zip(values, worths, strict=True)
    ]
    return {"name": name, "cells": cells}


def _text(value: float | None, form: str) -> str:
    if value is None:
        return "\N{EN DASH}"
    text = f"{value * 100:,.2f} %" if form == SHARE else f"{value:,.0f}" if form == COUNT else f"{value:,.2f}"
    return text.replace("-", "\N{MINUS SIGN}")
