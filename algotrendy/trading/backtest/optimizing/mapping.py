"""Two parameters of many trials as a table of colors, and whether the best stands alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from algotrendy.trading.backtest.optimizing.space import Point, Space
from algotrendy.trading.backtest.verdicts import Check, Verdict
from algotrendy.trading.candles import Floats

SHARE_OF_BEST = 0.5
"""Neighbors that reach less than this share of the best make it a lonely peak."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The best figure for each pair of values, over all the other parameters; rows are `down`, columns `across`."""

    across: str
    down: str
    columns: tuple[float, ...]
    rows: tuple[float, ...]
    cells: Floats


def heat_map(space: Space, values: Mapping[Point, float], across: str, down: str, sign: int = 1) -> HeatMap:
    """Return the map of two axes; NaN where nothing was tried. `sign` is -1 where smaller is better."""
    names = [axis.name for axis in space.axes]
    column, row = names.index(across), names.index(down)
    cells = np.full((space.shape[row], space.shape[column]), np.nan)
    for point, value in values.items():
        place = point[row], point[column]
        if np.isnan(cells[place]) or sign * value > sign * cells[place]:
            cells[place] = value
    return HeatMap(
        across,
        down,
        tuple(float(value) for value in space.axes[column].values),
        tuple(float(value) for value in space.axes[row].values),
        cells,
    )


def plateau(space: Space, values: Mapping[Point, float], best: Point, sign: int = 1) -> Check:
    """Ask the best set's neighbors, one step on one axis away: skill does not end there, chance does."""
    near = [values[point] for point in space.neighbors(best) if point in values]
    if not near:
        return Check("plateau", Verdict.WARNING, "No neighbor of the best set was tried: it may stand alone.")
    top, mean = values[best], float(np.mean(near))
    share = mean / top if top > 0 and sign > 0 else top / mean if mean > 0 and sign < 0 else float("nan")
    text = f"The {_count(near)} next to the best set reach {mean:.4g} on average, the best {top:.4g}"
    if not np.isfinite(share) or share < SHARE_OF_BEST:
        return Check("plateau", Verdict.WARNING, f"{text}: a lonely peak, which tells of chance.", _known(share))
    return Check("plateau", Verdict.PASSED, f"{text}.", share)


def _count(near: Sequence[float]) -> str:
    return "set" if len(near) == 1 else f"{len(near)} sets"


def _known(share: float) -> float:
    return share if np.isfinite(share) else 0.0
