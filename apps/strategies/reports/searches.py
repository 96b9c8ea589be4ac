"""An optimization as its page in the console shows it: cards, heat map, best sets; or a walk's curve and folds."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.urls import reverse

from algotrendy.trading.backtest.optimizing.mapping import HeatMap
from apps.strategies.models import Optimization, Trial
from apps.strategies.searching import objective_of
from apps.strategies.selectors.results import moment
from apps.strategies.selectors.searches import map_of, trials_by_worth, walk_curve

from .console import card, number_shown, percent_shown, tone_of

type Data = dict[str, Any]
LISTED = 100
POINTS = 1500
MOST_CELLS = 40
"""A map with more columns than this shows every second, third … of them."""
TONES = 9
SHARES = frozenset(
    {"total_return", "annual_return", "max_drawdown", "volatility", "exposure", "win_rate", "alpha",
     "buy_and_hold_return", "average_share", "average_mae", "average_mfe"}
)  # fmt: skip


def figure_shown(metric: str, value: float | None) -> str:
    """Return a metric's figure in its own form."""
    return percent_shown(value) if metric in SHARES else number_shown(value)


def search_page(optimization: Optimization, across: str | None, down: str | None) -> Data:
    """Return what the page of a search shows, finished or not."""
    counts = (optimization.result or {}).get("counts", {})
    trials = [_row(optimization, trial) for trial in trials_by_worth(optimization)[:LISTED]]
    best = optimization.best_backtest
    checks = (optimization.result or {}).get("checks", [])
    metric = optimization.metric
    return {
        "cards": [
            card(f"Best {_words(metric)}", figure_shown(metric, optimization.best_value), _best(optimization)),
            card("Sets tried", f"{optimization.done:,}", f"of {optimization.planned:,} by {optimization.search}"),
            card("Refused", f"{counts.get('refused', 0):,}", f"{counts.get('invalid', 0):,} contradict themselves"),
            _check_card("Skill, not search", "deflated_sharpe", checks),
            _check_card("Neighbors", "plateau", checks),
        ],
        "names": list(optimization.space),
        "trials": trials,
        "map": _map(optimization, across, down),
        "best_url": reverse("admin:strategies_backtest_change", args=[best.pk]) if best else None,
        "message": (optimization.result or {}).get("message", ""),
        "metric": _words(metric),
    }


def walk_page(optimization: Optimization) -> Data:
    """Return what the page of a completed walk-forward shows."""
    result: Data = optimization.result or {}
    figures = result["figures"]
    columns = walk_curve(optimization, POINTS)
    lost = columns["drawdown"] * -100
    curve = zip(columns["time"].tolist(), columns["equity"].tolist(), lost.tolist(), strict=True)
    efficiency = result["efficiency"]
    won = sum(fold["traded"] > 0 for fold in result["folds"])
    gained, deepest = figures["total_return"], figures["max_drawdown"] or 0.0
    return {
        "cards": [
            card("Return", percent_shown(gained), "of what followed", tone_of(gained)),
            card("Sharpe", number_shown(figures["sharpe"]), f"Sortino {number_shown(figures['sortino'])}"),
            card("Max drawdown", percent_shown(-deepest), f"Calmar {number_shown(figures['calmar'])}"),
            card("Efficiency", number_shown(efficiency), "return traded, over chosen on"),
            card("Folds", f"{len(result['folds'])}", f"{won} of them gained"),
        ],
        "folds": [_fold(fold, list(optimization.space)) for fold in result["folds"]],
        "names": list(optimization.space),
        "stability": [(name.replace("_", " "), number_shown(value)) for name, value in result["stability"].items()],
        "data": {"curve": [list(point) for point in curve]},
    }


def _fold(fold: Data, names: list[str]) -> Data:
    parameters = fold["parameters"] or {}
    return {
        "number": fold["number"] + 1,
        "chosen": f"{moment(fold['begin']):%Y-%m-%d} to {moment(fold['middle']):%Y-%m-%d}",
        "traded": f"{moment(fold['middle']):%Y-%m-%d} to {moment(fold['end']):%Y-%m-%d}",
        "values": [parameters.get(name, "\N{EN DASH}") for name in names],
        "before": percent_shown(fold["chosen_on"]),
        "after": percent_shown(fold["traded"]),
        "tone": tone_of(fold["traded"]) or "flat",
        "trades": fold["trades"],
    }


def _row(optimization: Optimization, trial: Trial) -> Data:
    figures = trial.figures
    return {
        "number": trial.number,
        "values": [trial.parameters[name] for name in optimization.space],
        "objective": figure_shown(optimization.metric, trial.objective),
        "total": percent_shown(figures.get("total_return")),
        "tone": tone_of(figures.get("total_return")) or "flat",
        "sharpe": number_shown(figures.get("sharpe")),
        "drawdown": percent_shown(figures.get("max_drawdown"), sign=False),
        "trades": f"{figures['trade_count']:,.0f}" if figures.get("trade_count") is not None else "",
        "message": trial.message,
    }


def _best(optimization: Optimization) -> str:
    chosen = optimization.best_parameters or {}
    return ", ".join(f"{name.replace('_', ' ')} {chosen[name]}" for name in optimization.space if name in chosen)


def _check_card(name: str, check: str, checks: list[Data]) -> Data:
    found = next((each for each in checks if each["name"] == check), None)
    if found is None:
        return card(name, "\N{EN DASH}", "")
    tone = "up" if found["verdict"] == "passed" else "warn"
    return card(name, f"{found['share']:.0%}", found["verdict"].capitalize(), tone)


def _map(optimization: Optimization, across: str | None, down: str | None) -> Data | None:
    if len(optimization.space) < 2 or not optimization.trials.exists():
        return None
    names = list(optimization.space)
    first = across if across in names else names[0]
    second = down if down in names and down != first else next(name for name in names if name != first)
    found = map_of(optimization, first, second)
    return {**_cells(found, optimization), "across": first, "down": second, "names": names}


def _cells(found: HeatMap, optimization: Optimization) -> Data:
    columns, rows = (_some(len(values)) for values in (found.columns, found.rows))
    cells = found.cells[np.ix_(rows, columns)]
    sign = objective_of(optimization).sign
    known = cells[~np.isnan(cells)] * sign
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    return {
        "columns": [f"{found.columns[index]:g}" for index in columns],
        "rows": [
            {
                "value": f"{found.rows[row]:g}",
                "cells": [_cell(optimization.metric, value, sign, low, high) for value in cells[number]],
            }
            for number, row in enumerate(rows)
        ],
    }


def _cell(metric: str, value: float, sign: int, low: float, high: float) -> Data:
    if np.isnan(value):
        return {"text": "", "title": "not tried", "step": ""}
    step = round((sign * float(value) - low) / (high - low) * TONES) if high > low else TONES
    shown = figure_shown(metric, float(value))
    return {"text": shown.rstrip("%"), "title": shown, "step": step}


def _some(length: int) -> list[int]:
    return list(range(0, length, -(-length // MOST_CELLS)))


def _words(metric: str) -> str:
    return metric.replace("_", " ")
