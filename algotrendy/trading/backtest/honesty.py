"""How far a backtest may be believed: what every run is asked before its figures are.

Each check gives a verdict and a sentence with its figures. Samples and draws are seeded: the same run, the same report.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from algotrendy.trading.backtest.gaps import gaps_of
from algotrendy.trading.backtest.metrics import Market, returns_of
from algotrendy.trading.backtest.optimizing.deflating import Trials, deflated_sharpe
from algotrendy.trading.backtest.resampling import Band, bootstrap
from algotrendy.trading.backtest.results import Integers, Result
from algotrendy.trading.backtest.verdicts import Check, Verdict
from algotrendy.trading.candles import Candles
from algotrendy.trading.strategies.base import Strategy
from algotrendy.trading.strategies.foresight import changed_cuts
from algotrendy.trading.strategies.windows import window_at, window_length

NAMES = ("look_ahead", "warm_up", "missing_bars", "stale_fills", "sample_size", "chance", "deflated_sharpe", "plateau")
SEED = 20_240_101
SAMPLES = 200
SEGMENTS, CUTS = 5, 12
FEW_TRADES, FEW_TRADES_A_PARAMETER = 30, 10
ENOUGH = 0.95


@dataclass(frozen=True, slots=True)
class Honesty:
    """The report: its checks, and the band in which chance alone would have put the result (None without trades)."""

    checks: tuple[Check, ...]
    band: Band | None

    @property
    def worst(self) -> Verdict:
        order = list(Verdict)
        return max((check.verdict for check in self.checks), key=order.index)


@dataclass(frozen=True, slots=True)
class Searched:
    """A search that chose a run's parameters: what else was tried, and what was found out about the choice."""

    trials: Trials
    checks: tuple[Check, ...] = ()


def examine(
    strategies: Sequence[Strategy], result: Result, market: Market, *, searched: Searched | None = None
) -> Honesty:
    """Return the report on a run; `strategies` are those of the result's books, in their order.

    `searched` is the search in which the parameters were chosen for their result, where there was one.
    """
    band = bootstrap(result, seed=SEED)
    checks: list[Check] = []
    for strategy, book in zip(strategies, result.books, strict=True):
        found = (
            look_ahead(strategy, book.candles, book.first),
            warm_up(strategy, book.candles, book.first),
            missing_bars(book.candles, book.first, market),
        )
        prefix = f"{book.name}: " if len(result.books) > 1 else ""
        checks += (replace(check, message=prefix + check.message) for check in found)
    checks += (sample_size(strategies[0], result), chance(band), stale_fills(result))
    if searched is not None:
        checks += (deflated(result, searched.trials), *searched.checks)
    return Honesty(tuple(sorted(checks, key=lambda check: NAMES.index(check.name))), band)


def look_ahead(strategy: Strategy, candles: Candles, first: int) -> Check:
    """Cut the history after a candle and ask again: no signal up to there may change."""
    rng = np.random.default_rng(SEED)
    length = 3 * window_length(strategy)
    ends = rng.integers(first + 1, len(candles) + 1, SEGMENTS - 1).tolist()
    changed = asked = 0
    for end in [*ends, len(candles)]:
        part = candles.head(end).tail(length)
        cuts = rng.integers(1, len(part), CUTS).tolist() if len(part) > 1 else []
        asked, changed = asked + len(cuts), changed + len(changed_cuts(strategy, part, cuts))
    if changed:
        text = f"{changed} of {asked} cuts of the history changed earlier signals: the strategy looks ahead."
        return Check("look_ahead", Verdict.FAILED, text, changed / asked)
    return Check(
        "look_ahead", Verdict.PASSED, f"No signal changed when the history after it was cut off ({asked} cuts)."
    )


def warm_up(strategy: Strategy, candles: Candles, first: int) -> Check:
    """Ask on the window that a live run sees: indicators with a long memory may say something else."""
    rows = _sample(range(max(first, strategy.warm_up), len(candles)))
    full = strategy.signals(candles)
    window = window_length(strategy)
    differ = sum(
        int(strategy.signals(window_at(strategy, candles, row)).action[-1] != full.action[row]) for row in rows
    )
    share = differ / len(rows) if len(rows) else 0.0
    seen = f"what a live run sees ({window:,} candles)"
    if differ:
        text = (
            f"{differ} of {len(rows)} signals differ on {seen}: the rule remembers more; run it --as-live to compare."
        )
        return Check("warm_up", Verdict.WARNING, text, share)
    return Check("warm_up", Verdict.PASSED, f"{len(rows)} signals are the same on {seen} as on the whole history.")


def sample_size(strategy: Strategy, result: Result) -> Check:
    """Hold the trades against the parameters that could have been fitted to them."""
    count, parameters = len(result.trades.closed), strategy.fitted
    each = count / max(parameters, 1)
    text = f"{count:,} closed trades for {parameters} parameters, {each:.1f} for each"
    if count < FEW_TRADES or each < FEW_TRADES_A_PARAMETER:
        needed = max(FEW_TRADES, FEW_TRADES_A_PARAMETER * parameters)
        return Check(
            "sample_size", Verdict.WARNING, f"{text}: too few to tell skill from chance; {needed} would do.", each
        )
    return Check("sample_size", Verdict.PASSED, f"{text}.", each)


def chance(band: Band | None) -> Check:
    """Draw the trades anew, with replacement: how often would the same trades have lost money?"""
    if band is None:
        return Check("chance", Verdict.WARNING, "There are fewer than two closed trades to draw from.")
    text = (
        f"Of {band.draws:,} draws of the same trades 90 % end between {band.low:+.1%} and {band.high:+.1%}, "
        f"{band.loss_share:.0%} lose money; one in twenty falls by {band.drawdown:.1%} or more."
    )
    return Check("chance", Verdict.WARNING if band.low < 0 else Verdict.PASSED, text, band.loss_share)


def deflated(result: Result, trials: Trials) -> Check:
    """Hold the Sharpe ratio against the best that so many trials without skill would have had."""
    found = deflated_sharpe(returns_of(result.equity, result.initial_cash), trials)
    if found is None or not math.isfinite(found.probability):
        return Check("deflated_sharpe", Verdict.WARNING, "The equity does not move enough to tell skill from search.")
    text = (
        f"After {trials.count:,} trials the best without skill would have a Sharpe ratio of {found.hurdle:.4f} a bar, "
        f"this one has {found.sharpe:.4f}: skill with a probability of {found.probability:.0%}"
    )
    if found.probability < ENOUGH:
        return Check("deflated_sharpe", Verdict.WARNING, f"{text}; {ENOUGH:.0%} would do.", found.probability)
    return Check("deflated_sharpe", Verdict.PASSED, f"{text}.", found.probability)


def stale_fills(result: Result) -> Check:
    """Count fills on bars in which nothing was traded, or whose price stood still."""
    stale = total = 0
    for number, book in enumerate(result.books):
        trades = result.trades.where(result.trades.book == number)
        bars = np.concatenate([trades.entry_bar, trades.exit_bar[trades.is_closed]])
        candles = book.candles
        is_stale = (candles.volume[bars] == 0) | (candles.high[bars] == candles.low[bars])
        stale, total = stale + int(is_stale.sum()), total + len(bars)
    if stale:
        text = f"{stale:,} of {total:,} fills are on bars without volume or movement, where nobody may have traded."
        return Check("stale_fills", Verdict.WARNING, text, stale / total)
    return Check("stale_fills", Verdict.PASSED, f"All {total:,} fills are on bars with volume and movement.")


def missing_bars(candles: Candles, first: int, market: Market) -> Check:
    """Tell which bars are missing from the period, apart from the hours in which the market rests every week."""
    gaps = gaps_of(candles.time[first:], int(candles.timeframe.duration.total_seconds()), market)
    rests = f" (apart from {gaps.regular:,} regular rests)" if gaps.regular else ""
    if not gaps.count:
        return Check("missing_bars", Verdict.PASSED, f"No bars are missing from the period{rests}.")
    after = datetime.fromtimestamp(gaps.largest_after, tz=UTC)
    places = f"{gaps.count:,} gap{'s' * (gaps.count > 1)}{rests}"
    text = f"{gaps.missing:,} bars are missing in {places}, the most after {after:%Y-%m-%d %H:%M}: {gaps.largest:,}."
    share = gaps.missing / (gaps.missing + len(candles) - first)
    return Check("missing_bars", Verdict.WARNING if share > 0.001 else Verdict.PASSED, text, share)


def _sample(rows: range) -> Integers:
    """Return at most SAMPLES of the rows, evenly spread."""
    count = min(SAMPLES, len(rows))
    return np.unique(np.linspace(rows.start, rows.stop - 1, count).astype(np.int64)) if count else np.empty(0, np.int64)
