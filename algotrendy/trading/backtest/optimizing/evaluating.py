"""Trying points: each a backtest, told in a row of figures; one that fails fails alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from algotrendy.trading.backtest.config import BacktestConfig, TradePlan
from algotrendy.trading.backtest.engine import signals_of, simulate
from algotrendy.trading.backtest.metrics import YEAR, Market, measure
from algotrendy.trading.backtest.optimizing.objective import Objective, figures_of
from algotrendy.trading.backtest.optimizing.outcomes import Outcome, Status
from algotrendy.trading.backtest.optimizing.space import Point, Space
from algotrendy.trading.backtest.packing import Book
from algotrendy.trading.backtest.sweep import Sweep, sweep
from algotrendy.trading.candles import Candles
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.strategies.base import Strategy


@dataclass(frozen=True, slots=True)
class Traded:
    """A series to trade: its candles, of which those before `first` only warm up."""

    candles: Candles
    instrument: InstrumentSpec
    first: int = 0

    def between(self, begin: int, end: int, history: int) -> Traded:
        """Return the candles that open within [begin, end), Unix seconds, with `history` candles before."""
        first, last = (int(row) for row in self.candles.time.searchsorted([begin, end]))
        start = max(first - history, 0)
        return Traded(self.candles.head(last).tail(last - start), self.instrument, first - start)


@dataclass(frozen=True, slots=True)
class Trial:
    """What every point of a search is tried on."""

    space: Space
    series: Sequence[Traded]
    objective: Objective
    market: Market
    plan: TradePlan = field(default_factory=TradePlan)
    config: BacktestConfig = field(default_factory=BacktestConfig)

    def run(self, points: Sequence[Point], progress: Callable[[], object] = lambda: None) -> list[Outcome]:
        """Try the points, in their order."""
        strategies = {point: self.space.strategy(point) for point in points}
        valid = [point for point, strategy in strategies.items() if strategy is not None]
        told = self._swept(valid, strategies, progress) if self._is_fast else None
        outcomes = []
        for point in points:
            strategy = strategies[point]
            if strategy is None:
                outcomes.append(Outcome(point, Status.INVALID, "The parameters contradict each other."))
            elif told is not None:
                outcomes.append(self._judge(point, told[point]))
            else:
                outcomes.append(self._alone(point, strategy))
                progress()
        return outcomes

    @property
    def bars_a_year(self) -> float:
        """How many bars of the first series make a year."""
        return self._year()[0]

    def _year(self) -> tuple[float, float]:
        """Return the bars of a year, and the years of the period."""
        traded = self.series[0]
        times = traded.candles.time[traded.first :]
        seconds = float(traded.candles.timeframe.duration.total_seconds())
        years = (float(times[-1] - times[0]) + seconds) / YEAR
        return (YEAR / seconds if self.market is Market.CONTINUOUS else len(times) / years), years

    @property
    def _is_fast(self) -> bool:
        return len(self.series) == 1 and self.objective.is_fast

    def _swept(
        self, points: list[Point], strategies: Mapping[Point, Strategy | None], progress: Callable[[], object]
    ) -> dict[Point, dict[str, float]] | None:
        """Return figures of all points by one sweep; None where one of them raises: then each is tried alone."""
        traded = self.series[0]
        chosen = [strategy for point in points if (strategy := strategies[point]) is not None]
        try:
            found = sweep(
                chosen, traded.candles, traded.instrument, plan=self.plan, config=self.config, first=traded.first,
                progress=progress,
            )  # fmt: skip
        except Exception:
            return None
        return dict(zip(points, self._figures(found), strict=True)) if points else {}

    def _figures(self, found: Sweep) -> list[dict[str, float]]:
        per_year, years = self._year()
        growth = found.final_equity / float(self.config.initial_cash)
        with np.errstate(divide="ignore", invalid="ignore"):
            annual = np.where(growth > 0, np.power(np.maximum(growth, 0), 1 / years) - 1, -1.0)
            calmar = np.where(found.max_drawdown > 0, annual / found.max_drawdown, np.nan)
        columns = {
            "final_equity": found.final_equity,
            "total_return": growth - 1,
            "annual_return": annual,
            "sharpe": found.sharpe * per_year**0.5,
            "max_drawdown": found.max_drawdown,
            "calmar": calmar,
            "trade_count": found.trades.astype(float),
        }
        return [{name: float(column[row]) for name, column in columns.items()} for row in range(len(growth))]

    def _alone(self, point: Point, strategy: Strategy) -> Outcome:
        try:
            books = [
                Book(
                    each.candles, signals_of(strategy, each.candles, self.plan), each.instrument, self.plan, each.first
                )
                for each in self.series
            ]
            figures = figures_of(measure(simulate(books, self.config), self.market))
        except Exception as error:  # a rule may be anybody's code, and the next point may do
            return Outcome(point, Status.FAILED, f"{type(error).__name__}: {error}"[:300])
        return self._judge(point, figures)

    def _judge(self, point: Point, figures: dict[str, float]) -> Outcome:
        fault = self.objective.fault(figures)
        value = figures[self.objective.metric]
        if fault:
            return Outcome(point, Status.REFUSED, fault, figures)
        return Outcome(point, Status.OK, "", figures, value)
