"""The platform's engine."""

from __future__ import annotations

from decimal import Decimal as D

from algotrendy.trading.backtest.config import UNPROTECTED, BacktestConfig, Sizing, SizingRule, TradePlan
from algotrendy.trading.backtest.engine import backtest
from algotrendy.trading.backtest.sweep import Sweep, sweep
from algotrendy.trading.candles import Candles
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.matching import Costs
from algotrendy.trading.strategies import registry
from algotrendy.trading.values import Timeframe
from tests.benchmarks.engines.market import CASH, FEE, SPEND, market, pairs

SPEC = InstrumentSpec("WALK/USD", "USD", price_tick=D("0.01"), quantity_step=D(1), min_quantity=D(1))
CONFIG = BacktestConfig(initial_cash=D(CASH), costs=Costs(D(str(FEE)), D(0)))
SIZES = {
    "all": Sizing(SizingRule.PERCENT_OF_CASH, D(str(SPEND)) * 100),
    "one": Sizing(SizingRule.FIXED_QUANTITY, D(1)),
}


def prepare(case):
    columns = market(case["bars"])
    candles = Candles("WALK/USD", Timeframe.M1, *columns.values())
    plan = TradePlan(sizing=SIZES[case["size"]], protection=UNPROTECTED)
    if case["rule"] == "sweep":
        strategies = [registry.build("sma_cross", {"fast": fast, "slow": slow}) for fast, slow in pairs()]
        return lambda: sweep(strategies, candles, SPEC, plan=plan, config=CONFIG)
    parameters = {"sma": ("sma_cross", {"fast": 10, "slow": 30}), "rsi": ("rsi", {})}
    strategy = registry.build(*parameters[case["rule"]])
    return lambda: backtest(strategy, candles, SPEC, plan=plan, config=CONFIG)


def tell(result):
    if isinstance(result, Sweep):
        return {"best": [result.best.fast, result.best.slow], "trades": int(result.trades.sum())}
    trades = result.trades
    rows = [trades.entry_bar, trades.exit_bar, trades.quantity, trades.entry_price, trades.exit_price]
    closed = trades.is_closed
    return {
        "trades": int(closed.sum()),
        "equity": result.final_equity,
        "rows": [column[closed].tolist() for column in rows],
    }
