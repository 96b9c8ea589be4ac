"""What a backtest is told: how much to trade, how to enter, what protects a position, what it costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from algotrendy.trading.errors import TradingError
from algotrendy.trading.matching import Costs
from algotrendy.trading.risk import RiskLimits
from algotrendy.trading.signals import Direction
from algotrendy.trading.values import ZERO

MOST_COST = Decimal("0.1")


class InvalidBacktest(TradingError):
    """The backtest cannot be run as asked."""

    code = "invalid_backtest"


class SizingRule(StrEnum):
    """How much an entry trades. All but the last size on the signal's close, as live (`trading.sizing`)."""

    PERCENT_OF_EQUITY = "percent_of_equity"
    FIXED_QUANTITY = "fixed_quantity"
    RISK_PERCENT = "risk_percent"
    """So much that the stop, where the signal or the protection puts it, loses this percent of equity."""
    VOLATILITY_TARGET = "volatility_target"
    """So much that the position's annual volatility, by the last 20 returns, is this percent of equity."""
    PERCENT_OF_CASH = "percent_of_cash"
    """Of the cash at the moment of the fill, the fee included: 100 is all that can be bought."""


class FillAt(StrEnum):
    """When a market order fills: at the next bar's open, as live, or at the very close that gave the signal."""

    NEXT_OPEN = "next_open"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Sizing:
    rule: SizingRule = SizingRule.PERCENT_OF_EQUITY
    value: Decimal = Decimal(5)

    def validate(self) -> None:
        if self.value <= 0:
            raise InvalidBacktest(f"The size must be above 0, not {self.value:f}.")
        if self.rule is SizingRule.PERCENT_OF_CASH and self.value > 100:
            raise InvalidBacktest(f"At most 100 percent of the cash can be spent, not {self.value:f}.")


@dataclass(frozen=True, slots=True)
class Protection:
    """What closes a position besides signals. Distances are percent of the price, 0 for none.

    `from_signal` takes the strategy's own stop and target where it names them, before the distances here. A trailing
    stop follows the best price of the bars before, so that no bar both moves it and is stopped by it.
    """

    from_signal: bool = True
    stop_percent: Decimal = Decimal(5)
    target_percent: Decimal = Decimal(10)
    trail_percent: Decimal = ZERO

    def validate(self) -> None:
        for name, value in (
            ("stop", self.stop_percent), ("target", self.target_percent), ("trailing stop", self.trail_percent)
        ):  # fmt: skip
            if not 0 <= value < 100:
                raise InvalidBacktest(f"The {name} is a distance of 0 to less than 100 percent, not {value:f}.")


UNPROTECTED = Protection(from_signal=False, stop_percent=ZERO, target_percent=ZERO)


@dataclass(frozen=True, slots=True)
class Entry:
    """How positions are opened: at market, or by a limit `limit_percent` better than the signal's close.

    A limit rests for `limit_bars` bars; a signal for the other side cancels it.
    """

    limit_percent: Decimal = ZERO
    limit_bars: int = 1

    def validate(self) -> None:
        if not 0 <= self.limit_percent < 100 or self.limit_bars < 1:
            raise InvalidBacktest("A limit entry lies 0 to less than 100 percent off and rests for a bar or more.")


@dataclass(frozen=True, slots=True)
class TradePlan:
    """What is made of a strategy's signals; the words are those of a configured strategy."""

    direction: Direction = Direction.LONG_ONLY
    sizing: Sizing = field(default_factory=Sizing)
    protection: Protection = field(default_factory=Protection)
    entry: Entry = field(default_factory=Entry)
    min_confidence: float = 0.0

    def validate(self) -> None:
        self.sizing.validate()
        self.protection.validate()
        self.entry.validate()
        protection = self.protection
        if self.sizing.rule is SizingRule.RISK_PERCENT and not (protection.from_signal or protection.stop_percent):
            raise InvalidBacktest("A size by the risk wants a stop: use the signals' own or give a distance.")


@dataclass(frozen=True, slots=True)
class BacktestConfig:
    """The account: what it starts with, what it pays, what it may hold (no limit unless told), when it fills."""

    initial_cash: Decimal = Decimal(10_000)
    costs: Costs = field(default_factory=lambda: Costs(Decimal("0.001"), Decimal("0.0005")))
    limits: RiskLimits = field(default_factory=lambda: RiskLimits(enabled=False))
    fill_at: FillAt = FillAt.NEXT_OPEN

    def validate(self) -> None:
        if self.initial_cash <= 0:
            raise InvalidBacktest(f"The initial cash must be above 0, not {self.initial_cash:f}.")
        for name, rate in (("commission", self.costs.commission_rate), ("slippage", self.costs.slippage_rate)):
            if not 0 <= rate <= MOST_COST:
                raise InvalidBacktest(
                    f"The {name} is a share between 0 and {MOST_COST}, not {rate:f} (0.001 is 0.1 %)."
                )
