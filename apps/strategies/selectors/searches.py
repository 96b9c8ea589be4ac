"""An optimization's trials as a table, a map, and a walk's curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db.models import F, QuerySet

from algotrendy.trading.backtest.optimizing.mapping import HeatMap, heat_map
from algotrendy.trading.backtest.optimizing.space import InvalidSpace
from apps.strategies.arrays import Column, unpacked
from apps.strategies.models import Optimization, Trial
from apps.strategies.searching import objective_of, space_for

from .results import telling


def trials_by_worth(optimization: Optimization) -> QuerySet[Trial]:
    """Return the trials, the best first, those that cannot be chosen last."""
    return optimization.trials.order_by(F("worth").desc(nulls_last=True), "number")


def map_of(optimization: Optimization, across: str | None = None, down: str | None = None) -> HeatMap:
    """Return the heat map of two searched parameters, the first two unless named; raises InvalidSpace."""
    space = space_for(optimization)
    names = [axis.name for axis in space.axes]
    if len(names) < 2:
        raise InvalidSpace("A map needs two searched parameters; this search has one.")
    first = across or next(name for name in names if name != down)
    second = down or next(name for name in names if name != first)
    if first == second or not {first, second} <= set(names):
        raise InvalidSpace(f"Name two of the searched parameters: {', '.join(names)}.")
    rows = optimization.trials.filter(objective__isnull=False).values_list("point", "objective")
    values = {tuple(point): float(value or 0) for point, value in rows}
    return heat_map(space, values, first, second, objective_of(optimization).sign)


def map_rows(found: HeatMap) -> dict[str, Any]:
    """Return a map as JSON can say it."""
    return {
        "across": found.across,
        "down": found.down,
        "columns": list(found.columns),
        "rows": list(found.rows),
        "cells": [[None if np.isnan(cell) else cell for cell in row] for row in found.cells.tolist()],
    }


def walk_curve(optimization: Optimization, points: int | None = None) -> dict[str, Column]:
    """Return time, equity and drawdown of a walk's stitched curve; thinned to `points` where they are given."""
    columns = unpacked(bytes(optimization.curve or b""))
    peaks = np.maximum(np.maximum.accumulate(columns["equity"]), float(optimization.initial_cash))
    columns["drawdown"] = 1 - columns["equity"] / peaks
    if points is None or len(columns["time"]) <= points:
        return columns
    rows = telling(columns["equity"], points)
    return {name: column[rows] for name, column in columns.items()}
