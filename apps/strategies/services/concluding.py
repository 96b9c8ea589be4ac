"""What an optimization's trials come to: the best set with its own backtest, or a walk's stitched curve."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from django.utils import timezone

from algotrendy.trading.backtest.honesty import Searched
from algotrendy.trading.backtest.optimizing.deflating import Trials
from algotrendy.trading.backtest.optimizing.evaluating import Trial as Tried
from algotrendy.trading.backtest.optimizing.folds import Fold
from algotrendy.trading.backtest.optimizing.mapping import plateau
from algotrendy.trading.backtest.optimizing.outcomes import Status
from algotrendy.trading.backtest.optimizing.walking import (
    Walked,
    curve_figures,
    efficiency,
    stability,
    stitched,
)
from apps.strategies.arrays import packed, unpacked
from apps.strategies.backtests import setup_backtest
from apps.strategies.models import Backtest, BacktestResult, JobStatus, Optimization
from apps.strategies.reports.keeping import clean, kept
from apps.strategies.reports.setup import ASKED
from apps.strategies.searching import step_of

from .jobs import Store


def conclude(optimization: Optimization, tried: Tried) -> Store:
    """Return what writes the conclusions to the optimization's locked row."""
    return _walked(optimization, tried) if optimization.walk else _searched(optimization, tried)


def _searched(optimization: Optimization, tried: Tried) -> Store:
    counts = Counter(optimization.trials.values_list("status", flat=True))
    result: dict[str, Any] = {"counts": {status.value: counts.get(status.value, 0) for status in Status}}
    best = optimization.trials.filter(worth__isnull=False).order_by("-worth", "number").first()
    if best is None:
        result["message"] = "No set could be chosen: each broke a constraint, or has no such figure."

        def nothing(row: Optimization) -> None:
            row.result = result

        return nothing
    values = {
        tuple(point): float(value or 0)
        for point, value in optimization.trials.filter(objective__isnull=False).values_list("point", "objective")
    }
    check = plateau(tried.space, values, tuple(best.point), tried.objective.sign)
    backtest = _backtest_of(optimization, best.parameters)
    instruments = list(optimization.instruments.all())
    searched = Searched(_trials(optimization, tried), (check,))
    report = kept(setup_backtest(backtest, instruments, lambda stage, done: None, searched))
    result["checks"] = report.figures["honesty"]["checks"]

    def store(row: Optimization) -> None:
        for name, value in report.summary.items():
            setattr(backtest, name, value)
        backtest.save()
        backtest.instruments.set(instruments)
        BacktestResult.objects.create(
            backtest=backtest, figures=report.figures, curve=report.curve, trades=report.trades, report=report.report
        )
        row.best_backtest, row.best_parameters, row.best_value = backtest, best.parameters, best.objective
        row.result = result

    return store


def _backtest_of(optimization: Optimization, parameters: dict[str, Any]) -> Backtest:
    """Return the best set's backtest, not stored yet."""
    now = timezone.now()
    asked = {name: getattr(optimization, name) for name in ASKED} | {"parameters": parameters}
    return Backtest(
        **asked,
        owner=optimization.owner,
        name=f"Best of {optimization.name}"[:120],
        strategy=optimization.strategy,
        status=JobStatus.COMPLETED,
        progress=100,
        attempts=1,
        started_at=now,
        finished_at=now,
    )


def _trials(optimization: Optimization, tried: Tried) -> Trials:
    """Return how many sets were tried, and how much their Sharpe ratios of a bar vary."""
    sharpes = [
        sharpe
        for figures in optimization.trials.values_list("figures", flat=True)
        if (sharpe := figures.get("sharpe")) is not None
    ]
    return Trials(len(sharpes), float(np.var(sharpes, ddof=1)) / tried.bars_a_year if len(sharpes) > 1 else 0.0)


def _walked(optimization: Optimization, tried: Tried) -> Store:
    walked, results = [], []
    for piece in optimization.pieces.order_by("number"):
        curve, result = unpacked(bytes(piece.curve or b"")), piece.result or {}
        fold = Fold(piece.number, *piece.points)
        walked.append(Walked(fold, None, result["tried"], curve["time"], curve["equity"], result["trades"]))
        results.append(result)
    initial, step = float(optimization.initial_cash), step_of(optimization)
    time, equity = stitched(walked, initial)
    figures = curve_figures(time, equity, initial, walked[0].fold.middle, tried.market, step)
    chosen = [result for result in results if result["parameters"]]
    before = [each["chosen_on"].get("annual_return") for each in chosen]
    told = {
        "figures": figures,
        "efficiency": efficiency(figures["annual_return"], [value for value in before if value is not None]),
        "stability": stability([each["parameters"] for each in chosen], [axis.name for axis in tried.space.axes]),
        "folds": [_fold(each, result, initial) for each, result in zip(walked, results, strict=True)],
    }

    def store(row: Optimization) -> None:
        row.result, row.curve = clean(told), packed({"time": time, "equity": equity})
        if chosen:
            row.best_parameters, row.best_value = chosen[-1]["parameters"], chosen[-1]["objective"]

    return store


def _fold(walked: Walked, result: dict[str, Any], initial: float) -> dict[str, Any]:
    fold = walked.fold
    growth = float(walked.equity[-1]) / initial - 1 if len(walked.equity) else 0.0
    return {
        "number": fold.number,
        "begin": fold.begin,
        "middle": fold.middle,
        "end": fold.end,
        "parameters": result["parameters"],
        "chosen_on": (result["chosen_on"] or {}).get("total_return"),
        "objective": result["objective"],
        "traded": growth,
        "trades": walked.trades,
    }
