"""Which strategies there are."""

from __future__ import annotations

from collections.abc import Mapping

from algotrendy.trading.errors import UnknownStrategy
from algotrendy.trading.strategies.base import Strategy
from algotrendy.trading.strategies.bollinger_reversion import BollingerReversion
from algotrendy.trading.strategies.donchian_breakout import DonchianBreakout
from algotrendy.trading.strategies.macd import Macd
from algotrendy.trading.strategies.mfi import Mfi
from algotrendy.trading.strategies.momentum import Momentum
from algotrendy.trading.strategies.rsi import Rsi
from algotrendy.trading.strategies.sma_cross import SmaCross
from algotrendy.trading.strategies.vwap import Vwap

_SHIPPED: tuple[type[Strategy], ...] = (
    Momentum, Rsi, Macd, Mfi, Vwap, SmaCross, BollingerReversion, DonchianBreakout,
)  # fmt: skip
_BY_NAME = {strategy.name: strategy for strategy in _SHIPPED}


def all_strategies() -> tuple[type[Strategy], ...]:
    """Return the registered strategies in the order in which they are listed."""
    return tuple(_BY_NAME.values())


def names() -> tuple[str, ...]:
    return tuple(_BY_NAME)


def get(name: str) -> type[Strategy]:
    """Return the strategy of that name; raise UnknownStrategy that lists the known ones."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise UnknownStrategy(f"There is no strategy {name!r}; there are {', '.join(_BY_NAME)}.") from None


def build(name: str, parameters: Mapping[str, object]) -> Strategy:
    """Return the named strategy with these parameters; raise UnknownStrategy or InvalidParameter."""
    return get(name).configure(parameters)
