"""A sweep tells of each parameter set what a backtest of it by itself tells."""

from decimal import Decimal as D

import numpy as np
import pytest

from algotrendy.trading.backtest.config import UNPROTECTED, BacktestConfig, Protection, Sizing, SizingRule
from algotrendy.trading.backtest.curves import drawdowns
from algotrendy.trading.backtest.engine import backtest
from algotrendy.trading.backtest.metrics import returns_of
from algotrendy.trading.backtest.sweep import sweep
from algotrendy.trading.matching import Costs
from algotrendy.trading.strategies import registry
from tests.trading.backtest.builders import SPEC, bars, plan
from tests.trading.builders import eurusd

CONFIG = BacktestConfig(costs=Costs(D("0.00002"), D(0)))


@pytest.mark.parametrize("protection", [UNPROTECTED, Protection()])
@pytest.mark.parametrize("name", ["sma_cross", "rsi"])
def test_each_row_is_that_of_a_backtest_by_itself(name, protection):
    candles = eurusd(1500)
    keys = [("fast", 3, 9), ("slow", 20, 60)] if name == "sma_cross" else [("period", 5, 14), ("oversold", 35, 45)]
    strategies = [registry.build(name, {keys[0][0]: a, keys[1][0]: b}) for a in keys[0][1:] for b in keys[1][1:]]
    the_plan = plan(sizing=Sizing(SizingRule.FIXED_QUANTITY, D(5000)), protection=protection)
    rows = sweep(strategies, candles, SPEC, plan=the_plan, config=CONFIG, first=100)
    assert rows.strategies == tuple(strategies)
    finals = []
    for k, strategy in enumerate(strategies):
        start = candles.open_time_at(100)
        result = backtest(strategy, candles, SPEC, plan=the_plan, config=CONFIG, start=start)
        returns = returns_of(result.equity, 10_000.0)
        assert (rows.final_equity[k], rows.trades[k]) == (result.final_equity, len(result.trades.closed))
        assert rows.max_drawdown[k] == pytest.approx(drawdowns(result.equity, 10_000.0).max())
        assert rows.sharpe[k] == pytest.approx(returns.mean() / returns.std(ddof=1))
        finals.append(result.final_equity)
    assert len(set(finals)) > 1
    assert rows.best == strategies[int(np.argmax(finals))]


def test_what_never_trades_has_no_sharpe():
    rows = sweep([registry.build("sma_cross", {})], bars(*[100] * 80), SPEC)
    assert (rows.trades[0], rows.final_equity[0], rows.max_drawdown[0]) == (0, 10_000, 0)
    assert np.isnan(rows.sharpe[0])
