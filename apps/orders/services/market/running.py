"""Strategies see a finished candle, each on what it holds; what one of them orders, or breaks, is its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from algotrendy.trading.candles import Bar, Candles
from algotrendy.trading.strategies.places import worded
from apps.common.apart import CUT_OFF, failed_apart
from apps.marketdata.models import Instrument
from apps.marketdata.selectors.feeds import STALE_AFTER
from apps.orders.services.signals.executing import signal_drop, signal_execute
from apps.portfolio.models import Position
from apps.portfolio.selectors import LIVE, Scope
from apps.strategies.models import Signal, Strategy
from apps.strategies.selectors import strategies_to_run, window_length
from apps.strategies.services import strategies_hold, strategies_ran, strategy_evaluate

from .lagging import WAITS

type Window = Callable[[datetime, int], Candles]
"""Returns the newest candles that had opened by a time, at most so many, oldest first."""


def bar_run(
    *,
    instrument: Instrument,
    bar: Bar,
    window: Window,
    scope: Scope,
    positions: Iterable[Position],
    lagging: Collection[uuid.UUID] = (),
) -> bool:
    """Run the strategies of the candle's series on what they hold; return whether one of them ordered.

    Those of accounts that lag behind the series hold: what they hold is not known yet.
    """
    strategies = strategies_to_run(instrument, bar.timeframe, scope)
    strategies_hold(strategies=[each for each in strategies if _lags(each, lagging)], reason=WAITS)
    strategies = [each for each in strategies if not _lags(each, lagging)]
    if not strategies:
        return False
    lengths = {strategy.pk: window_length(strategy) for strategy in strategies}
    candles = window(bar.open_time, max(lengths.values()))
    held = {(position.portfolio_id, position.book): _sign(position) for position in positions}
    ordered = False
    for strategy in strategies:
        seen = candles.tail(lengths[strategy.pk])
        sign = held.get((strategy.portfolio_id, strategy.slug), 0)
        signal = strategy_evaluate(strategy=strategy, candles=seen, bar=bar, held=sign)
        ordered |= signal is not None and _follow(signal, bar, seen, scope)
    strategies_ran(strategies=strategies, at=bar.close_time)
    return ordered


def strategies_late(*, instrument: Instrument, bar: Bar, scope: Scope, age_minutes: float) -> None:
    """Let the strategies of the candle's series hold: it came too late to trade on."""
    reason = (
        f"Holds: the candle of {bar.open_time:%Y-%m-%d %H:%M} UTC came {age_minutes:,.0f} minutes after its close, "
        f"later than {STALE_AFTER} candles of {bar.timeframe}."
    )
    strategies_hold(strategies=strategies_to_run(instrument, bar.timeframe, scope), reason=reason)


def _follow(signal: Signal, bar: Bar, candles: Candles, scope: Scope) -> bool:
    """Follow a signal; return whether it became an order. One that cannot be followed ends, and only that one."""
    try:
        return signal_execute(signal=signal, bar=bar, candles=candles) is not None
    except CUT_OFF:
        raise
    except Exception as error:
        if scope is not LIVE:
            raise
        failed_apart("following a signal", str(signal.pk))
        reason = f"Its signal could not be followed: {worded(error)}"
        signal_drop(signal=signal, reason=reason)
        strategies_hold(strategies=[signal.strategy], reason=reason)
        return False


def _lags(strategy: Strategy, lagging: Collection[uuid.UUID]) -> bool:
    return strategy.portfolio.connection_id in lagging


def _sign(position: Position) -> int:
    """Return 1 for a long position, -1 for a short one; 0 where nothing of it can be traded."""
    return (position.tradable_quantity > 0) - (position.tradable_quantity < 0)
