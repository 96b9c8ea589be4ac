"""From a signal to what it orders: the size, and the stop and target that come with it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from algotrendy.trading.backtest.config import Sizing, SizingRule
from algotrendy.trading.candles import Candles
from algotrendy.trading.errors import InvalidOrder
from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.signals import Move
from algotrendy.trading.sizing import RETURNS, Sized, size_entry, volatility
from algotrendy.trading.values import ZERO, OrderType, Side, Timeframe
from apps.marketdata.selectors import candles_window, source_of
from apps.orders.services.entry.placing import Market
from apps.portfolio.models import Portfolio
from apps.portfolio.selectors import equity_with, open_positions
from apps.strategies.models import Signal, Strategy


@dataclass(frozen=True, slots=True)
class Levels:
    """The prices at which a position is left, on the tick grid; None for none."""

    stop: Decimal | None = None
    target: Decimal | None = None


def signal_intent(
    *, signal: Signal, portfolio: Portfolio, move: Move, held: Decimal, market: Market, candles: Candles | None = None
) -> OrderIntent:
    """Return the market order that follows a signal; raise InvalidOrder where there is nothing to trade.

    `candles` are the strategy's newest, for sizes that look at them; the stored ones where they are not given.
    """
    strategy, price = signal.strategy, market.price
    levels = _levels(signal, portfolio, move.side, price) if move.opens and strategy.protect else Levels()
    opening = ZERO
    if move.opens:
        sized = _sized(signal, portfolio, market, levels, candles)
        if not sized.quantity and not move.closes:
            raise InvalidOrder(sized.reason, code="size_too_small")
        opening = sized.quantity
    return OrderIntent(
        side=move.side,
        type=OrderType.MARKET,
        quantity=opening + (abs(held) if move.closes else ZERO),
        reduce_only=not opening,
        stop_loss=levels.stop if opening else None,
        take_profit=levels.target if opening else None,
    )


def _sized(signal: Signal, portfolio: Portfolio, market: Market, levels: Levels, candles: Candles | None) -> Sized:
    """Return the size of the strategy, or of the signal where it names one."""
    strategy = signal.strategy
    sizing = Sizing(SizingRule(strategy.sizing_mode), strategy.sizing_value)
    if signal.quantity is not None:
        sizing = Sizing(SizingRule.FIXED_QUANTITY, signal.quantity)
    looks_back = sizing.rule is SizingRule.VOLATILITY_TARGET
    return size_entry(
        sizing,
        spec=strategy.instrument.spec,
        price=market.price,
        equity=ZERO if sizing.rule is SizingRule.FIXED_QUANTITY else equity_with(portfolio, open_positions(portfolio)),
        stop=levels.stop,
        volatility=_volatility(strategy, market, candles) if looks_back else None,
    )


def _volatility(strategy: Strategy, market: Market, candles: Candles | None) -> float | None:
    """Return the annual volatility of the newest 20 returns, NaN or None where there are too few."""
    timeframe = Timeframe(strategy.timeframe)
    if candles is None:
        source = source_of(strategy.instrument, timeframe)
        if source is None:
            return None
        # Those that are finished by then: the newest one may be of a shorter timeframe than the strategy's.
        until = market.at - timeframe.duration
        candles = candles_window(
            instrument=strategy.instrument, timeframe=timeframe, source=source, until=until, length=RETURNS + 1
        )
    per_year = strategy.instrument.spec.bars_per_year(int(timeframe.duration.total_seconds()))
    found = volatility(candles.tail(RETURNS + 1).close, per_year)
    return float(found[-1]) if len(found) else None


def _levels(signal: Signal, portfolio: Portfolio, side: Side, price: Decimal) -> Levels:
    """Return stop and target on the tick grid: the signal's own, else at the portfolio's default distance."""
    profile, spec = portfolio.risk_profile, signal.strategy.instrument.spec
    wanted = (
        (signal.stop_loss, -side.sign, profile.default_stop_loss_percent),
        (signal.take_profit, side.sign, profile.default_take_profit_percent),
    )
    prices: list[Decimal | None] = []
    for own, direction, percent in wanted:
        target = own if own is not None else price * (1 + direction * percent / 100) if percent else None
        rounded = None if target is None else spec.round_price(target)
        # A level that the price has passed already would end the position at once: it protects nothing.
        prices.append(rounded if rounded is not None and (rounded - price) * direction > 0 and rounded > 0 else None)
    return Levels(*prices)


def require_unpassed(signal: Signal, move: Move, price: Decimal) -> None:
    """Raise InvalidOrder where the price has passed the signal's own stop: the position would begin without it."""
    stop = signal.stop_loss
    if move.opens and signal.strategy.protect and stop is not None and (stop - price) * move.side.sign >= 0:
        told = f"The price of {price.normalize():f} has passed the signal's stop loss of {stop.normalize():f}."
        raise InvalidOrder(told, code="stop_passed")
