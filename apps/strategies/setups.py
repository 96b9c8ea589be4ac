"""Stored backtests in the engine's words; nothing here loads its compiler."""

from __future__ import annotations

from collections.abc import Iterable

from algotrendy.trading.backtest.config import BacktestConfig, Entry, FillAt, Protection, Sizing, SizingRule, TradePlan
from algotrendy.trading.backtest.metrics import Market
from algotrendy.trading.matching import Costs
from algotrendy.trading.risk import RiskLimits
from algotrendy.trading.signals import Direction
from apps.marketdata.models import AssetType, Instrument
from apps.strategies.models import TradeSetup


def setup_plan(setup: TradeSetup) -> TradePlan:
    """Return what a stored backtest makes of its signals."""
    return TradePlan(
        direction=Direction(setup.direction),
        sizing=Sizing(SizingRule(setup.sizing_rule), setup.sizing_value),
        protection=Protection(setup.protect, setup.stop_percent, setup.target_percent, setup.trail_percent),
        entry=Entry(setup.limit_percent, setup.limit_candles),
        min_confidence=setup.min_confidence,
    )


def setup_account(setup: TradeSetup) -> BacktestConfig:
    """Return the account that a stored backtest trades in."""
    return BacktestConfig(
        initial_cash=setup.initial_cash,
        costs=Costs(setup.commission_rate, setup.slippage_rate),
        limits=RiskLimits(enabled=setup.risk_limits),
        fill_at=FillAt(setup.fill_at),
    )


def market_of(instruments: Iterable[Instrument]) -> Market:
    """Return how the market counts a year: without a pause where all are coins, else by the sessions there were."""
    coins = all(instrument.asset_type == AssetType.CRYPTOCURRENCY for instrument in instruments)
    return Market.CONTINUOUS if coins else Market.SESSIONS
