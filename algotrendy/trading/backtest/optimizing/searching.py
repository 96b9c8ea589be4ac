"""Which points of a space are tried, and in which order: all of them, some at random, or where it looks promising.

Every search is a function of its seed and of what it was told: continued after an interruption it goes the same way.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np

from algotrendy.trading.backtest.optimizing.space import InvalidSpace, Point, Space

MOST_GRID = 100_000
MOST_TRIALS = 20_000
EXHAUSTIBLE = 1_000_000
"""Up to this size random points are drawn without putting any back."""


class Search(StrEnum):
    GRID = "grid"
    RANDOM = "random"
    TPE = "tpe"
    """Bergstra's tree-structured Parzen estimator, of Optuna: each batch learns from those before."""


def trials_of(search: Search, space: Space, wanted: int | None) -> int:
    """Return how many points will be tried; raise InvalidSpace where that is too many or too few."""
    if search is Search.GRID:
        if space.size > MOST_GRID:
            raise InvalidSpace(
                f"The grid has {space.size:,} points, more than {MOST_GRID:,}; take larger steps, or search at random."
            )
        return space.size
    if wanted is None or not 1 <= wanted <= MOST_TRIALS:
        raise InvalidSpace(f"Say how many trials, 1 to {MOST_TRIALS:,}.")
    return min(wanted, space.size)


def planned(search: Search, space: Space, seed: int, first: int, count: int) -> list[Point]:
    """Return the points of the trials numbered `first` to `first + count - 1` of a grid or a random search."""
    end = first + count
    if search is Search.GRID:
        return [space.point(number) for number in range(first, min(end, space.size))]
    return [space.point(number) for number in _drawn(space.size, seed, end)[first:end]]


def suggested(space: Space, seed: int, told: Sequence[tuple[Point, float | None]], count: int) -> list[Point]:
    """Return the next points of a TPE search, none twice; `told` are the trials so far, larger being better.

    A trial without a figure counts as worse than all others. Raises nothing: where nothing new comes to its mind,
    points are drawn at random.
    """
    study = _study(space, seed + len(told), told)
    seen = {point for point, _ in told}
    found: list[Point] = []
    for _ in range(4 * count):
        if len(found) == count:
            break
        trial = study.ask(_distributions(space))
        point = tuple(int(trial.params[axis.name]) for axis in space.axes)
        if point not in seen:
            seen.add(point)
            found.append(point)
    spare = (space.point(number) for number in _drawn(space.size, seed + len(told), min(space.size, 4 * MOST_TRIALS)))
    for point in spare:
        if len(found) == count:
            break
        if point not in seen:
            seen.add(point)
            found.append(point)
    return found


def _drawn(size: int, seed: int, count: int) -> list[int]:
    """Return the first `count` numbers below `size` in a random order, none twice; more are the same and others."""
    rng = np.random.default_rng(seed)
    if size <= EXHAUSTIBLE:
        return [int(number) for number in rng.permutation(size)[:count]]
    numbers: dict[int, None] = {}
    while len(numbers) < count:
        numbers[int(rng.integers(0, size, dtype=np.uint64) if size < 2**63 else rng.integers(0, 2**62))] = None
    return list(numbers)


def _study(space: Space, seed: int, told: Sequence[tuple[Point, float | None]]) -> Any:
    import optuna  # a second of import, for this search only

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings(category=optuna.exceptions.ExperimentalWarning, action="ignore"):
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=16, multivariate=True, constant_liar=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    known = [value for _, value in told if value is not None]
    worst = min(known, default=0.0) - abs(min(known, default=0.0)) - 1.0
    distributions = _distributions(space)
    for point, value in told:
        parameters = {axis.name: index for axis, index in zip(space.axes, point, strict=True)}
        study.add_trial(
            optuna.trial.create_trial(
                params=parameters, distributions=distributions, value=worst if value is None else value
            )
        )
    return study


def _distributions(space: Space) -> dict[str, Any]:
    import optuna

    return {axis.name: optuna.distributions.IntDistribution(0, len(axis.values) - 1) for axis in space.axes}
