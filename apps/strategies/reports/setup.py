"""What a backtest was asked with, in words and as the values to ask again."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from algotrendy.trading.backtest.config import SizingRule
from apps.strategies.models import TradeSetup

ASKED = (
    "rule", "parameters", "timeframe", "source", "start", "end", "direction", "sizing_rule", "sizing_value",
    "min_confidence", "protect", "stop_percent", "target_percent", "trail_percent", "limit_percent", "limit_candles",
    "initial_cash", "commission_rate", "slippage_rate", "fill_at", "risk_limits", "as_live",
)  # fmt: skip

SIZES = {
    SizingRule.PERCENT_OF_EQUITY: "percent of equity",
    SizingRule.FIXED_QUANTITY: "fixed quantity",
    SizingRule.RISK_PERCENT: "percent of equity lost at the stop",
    SizingRule.VOLATILITY_TARGET: "percent of volatility a year",
    SizingRule.PERCENT_OF_CASH: "percent of cash",
}
"""What a size's figure means."""


def setup_again(setup: TradeSetup) -> dict[str, Any]:
    """Return the values with which the same would be asked again."""
    return {**{name: getattr(setup, name) for name in ASKED}, "instruments": list(setup.instruments.all())}


def setup_rows(setup: TradeSetup) -> list[tuple[str, str]]:
    """Return the setup as names and words."""
    parameters = ", ".join(
        f"{name} {'of its own' if isinstance(value, dict) else value}" for name, value in setup.parameters.items()
    )
    symbols = ", ".join(sorted(instrument.symbol for instrument in setup.instruments.all()))
    return [
        ("Rule", f"{setup.rule} ({parameters})" if parameters else setup.rule),
        ("Traded", f"{symbols} {setup.timeframe}, candles of {setup.source}"),
        ("Period", f"{_day(setup.start, 'the oldest candle')} to {_day(setup.end, 'the newest')}"),
        ("Direction", setup.direction.replace("_", " ")),
        ("Size of an entry", f"{_plain(setup.sizing_value)} ({SIZES[SizingRule(setup.sizing_rule)]})"),
        ("Initial cash", _plain(setup.initial_cash)),
        ("Costs", f"{_rate(setup.commission_rate)} commission, {_rate(setup.slippage_rate)} slippage"),
    ]


def _day(moment: datetime | None, otherwise: str) -> str:
    return otherwise if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _plain(value: Decimal) -> str:
    return f"{value.normalize():,f}"


def _rate(rate: Decimal) -> str:
    return f"{(rate * 100).normalize():f} %"
