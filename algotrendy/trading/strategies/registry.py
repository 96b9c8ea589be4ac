"""Which strategies there are: those that are shipped, and those of the folder and the packages that are watched."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from algotrendy.trading.errors import InvalidParameter, TradingError, UnknownStrategy
from algotrendy.trading.strategies.base import Strategy
from algotrendy.trading.strategies.bollinger_reversion import BollingerReversion
from algotrendy.trading.strategies.conditions import Conditions
from algotrendy.trading.strategies.donchian_breakout import DonchianBreakout
from algotrendy.trading.strategies.external import External
from algotrendy.trading.strategies.judging import MOST_WARM_UP
from algotrendy.trading.strategies.loading import Library, OnChange
from algotrendy.trading.strategies.macd import Macd
from algotrendy.trading.strategies.mfi import Mfi
from algotrendy.trading.strategies.momentum import Momentum
from algotrendy.trading.strategies.origins import Loaded, Origin, OriginKind, Problem, Snapshot
from algotrendy.trading.strategies.places import worded
from algotrendy.trading.strategies.rsi import Rsi
from algotrendy.trading.strategies.sma_cross import SmaCross
from algotrendy.trading.strategies.vwap import Vwap

_SHIPPED: tuple[type[Strategy], ...] = (
    Momentum, Rsi, Macd, Mfi, Vwap, SmaCross, BollingerReversion, DonchianBreakout, Conditions, External,
)  # fmt: skip
_BY_NAME = {strategy.name: strategy for strategy in _SHIPPED}
_library: Library | None = None


def watch(
    folder: Path | None,
    *,
    cache: Path | None = None,
    packages: bool = True,
    on_change: OnChange = lambda before, now: None,
) -> None:
    """Serve the strategies of a folder, and of installed packages, besides the shipped ones.

    Nothing is looked at before somebody asks. Verdicts on files are kept in `cache`, so that another process pays
    nothing. `on_change` is told what there was and what there is, also after the first look.
    """
    global _library
    _library = Library(folder, cache=cache, taken=frozenset(_BY_NAME), packages=packages, on_change=on_change)


def unwatch() -> None:
    """Serve the shipped strategies only."""
    global _library
    _library = None


def all_strategies() -> tuple[type[Strategy], ...]:
    """Return the strategies in the order in which they are listed, the shipped ones first."""
    return (*_BY_NAME.values(), *_now().rules.values())


def names() -> tuple[str, ...]:
    return tuple(strategy.name for strategy in all_strategies())


def get(name: str) -> type[Strategy]:
    """Return the strategy of that name; raise UnknownStrategy that lists the known ones and the broken files."""
    rule = _BY_NAME.get(name)
    if rule is not None:
        return rule
    now = _now()
    if name in now.rules:
        return now.rules[name]
    known = ", ".join([*_BY_NAME, *now.rules])
    broken = ", ".join(each.path.name for each in now.problems)
    hint = f" These files are broken, so that their strategies hold: {broken}." if broken else ""
    raise UnknownStrategy(f"There is no strategy {name!r}; there are {known}.{hint}")


def build(name: str, parameters: Mapping[str, object]) -> Strategy:
    """Return the named strategy with these parameters; raise UnknownStrategy or InvalidParameter."""
    rule = get(name)
    try:
        strategy = rule.configure(parameters)
        warm_up = strategy.warm_up
    except TradingError:
        raise
    except Exception as error:  # a rule may be anybody's code
        raise InvalidParameter(f"{name} refuses these parameters: {worded(error)}") from error
    if not isinstance(warm_up, int) or not 0 <= warm_up <= MOST_WARM_UP:
        raise InvalidParameter(
            f"{name} would need {warm_up!r:.20} candles before its first signal; choose parameters with which it needs "
            f"{MOST_WARM_UP:,} or fewer."
        )
    return strategy


def origin(name: str) -> Origin:
    """Return where the strategy comes from; raise UnknownStrategy."""
    get(name)
    return _now().origins.get(name, Origin(OriginKind.SHIPPED))


def problems() -> tuple[Problem, ...]:
    """Return what is wrong with files and entry points, each with its line; their strategies are not registered."""
    return _now().problems


def files(*, again: bool = False) -> tuple[Loaded, ...]:
    """Return every file and entry point with its strategies or its problem; `again` looks at them all anew."""
    if again and _library is not None:
        return _library.again().loaded
    return _now().loaded


def _now() -> Snapshot:
    return Snapshot() if _library is None else _library.now()


def _after_fork() -> None:
    if _library is not None:
        _library.renew_lock()


os.register_at_fork(after_in_child=_after_fork)
