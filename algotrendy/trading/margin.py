"""Margin: what a position ties up, how near it is to being closed by force, and what a short pays for being one.

Value is what a position is worth at the mark, unsigned. All amounts are in the quote currency. With them:

- collateral = cost / leverage, what the holder has set aside for the position
- health = (collateral + unrealized profit) / value: 1 for a long that is paid in full, 1 / leverage at the entry,
  and 0 once the loss has eaten the collateral
- margin used = maintenance rate x value / (collateral + unrealized profit) of an isolated position; of a cross margin
  account the same over all its positions and its equity

The liquidation price, its rates and all bounds are those of AlgoTrendy 2.6: entry x (1 - maintenance / leverage) of a
long, entry x (1 + maintenance / leverage) of a short. A position without leverage owes nothing and has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from .values import ORIGIN, ZERO, quantize

MAINTENANCE_RATE = Decimal("0.05")
"""The share of a position's value below which what backs it must not fall."""
INITIAL_RATE = Decimal("0.10")
"""The share of a position's value that must back it when it is opened: the leverage that this allows is 10."""
USED_WARN, USED_CALL, USED_CLOSE = Decimal("0.70"), Decimal("0.80"), Decimal("0.90")
HEALTH_CRITICAL, HEALTH_WARNING, HEALTH_CAUTION = Decimal("0.05"), Decimal("0.15"), Decimal("0.50")
FUNDING_PERIOD = timedelta(hours=8)
"""Funding is due at 00:00, 08:00 and 16:00 UTC of market time."""


class Health(StrEnum):
    """How well a position is backed."""

    GOOD = "good"
    CAUTION = "caution"
    WARNING = "warning"
    CRITICAL = "critical"


class MarginStage(StrEnum):
    """What is to be done about the margin in use."""

    FINE = "fine"
    WARN = "warn"
    CALL = "call"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Backing:
    """A position as margin sees it: its unsigned value at the mark, and what backs it after its profit or loss."""

    value: Decimal
    backing: Decimal

    @property
    def health(self) -> Decimal:
        """Return the backing as a share of the value, at 8 decimals; 1 where there is no value."""
        return quantize(self.backing / self.value) if self.value else Decimal(1)

    @property
    def used(self) -> Decimal | None:
        """Return the margin in use; None where nothing is left to back the position."""
        return margin_used([self.value], self.backing)


def collateral(cost: Decimal, leverage: Decimal) -> Decimal:
    """Return what is set aside for a position of a signed cost."""
    return quantize(abs(cost) / leverage)


def liquidation_price(entry: Decimal, sign: int, leverage: Decimal) -> Decimal | None:
    """Return the price at which a long (sign 1) or short (-1) is closed by force; None where nothing is borrowed."""
    if sign == 0 or leverage <= 1:
        return None
    return quantize(entry * (1 - sign * MAINTENANCE_RATE / leverage))


def is_liquidated(price: Decimal, liquidation: Decimal | None, sign: int) -> bool:
    """Tell whether the price has reached the liquidation price."""
    return liquidation is not None and (price - liquidation) * sign <= 0


def margin_used(values: Iterable[Decimal], backing: Decimal) -> Decimal | None:
    """Return the maintenance of positions of these unsigned values as a share of what backs them, at 8 decimals.

    None stands for more than any share: there are positions, and nothing backs them.
    """
    needed = sum(values, ZERO) * MAINTENANCE_RATE
    if needed == 0:
        return ZERO
    return quantize(needed / backing) if backing > 0 else None


def health_of(health: Decimal) -> Health:
    """Return the word for a margin health."""
    if health < HEALTH_CRITICAL:
        return Health.CRITICAL
    if health < HEALTH_WARNING:
        return Health.WARNING
    return Health.CAUTION if health < HEALTH_CAUTION else Health.GOOD


def stage_of(used: Decimal | None) -> MarginStage:
    """Return what a share of margin in use asks for."""
    if used is None or used >= USED_CLOSE:
        return MarginStage.CLOSE
    if used >= USED_CALL:
        return MarginStage.CALL
    return MarginStage.WARN if used >= USED_WARN else MarginStage.FINE


def funding_times(after: datetime, through: datetime) -> list[datetime]:
    """Return the times at which funding is due, later than `after` and not later than `through`."""
    at = after - (after - ORIGIN) % FUNDING_PERIOD + FUNDING_PERIOD
    times = []
    while at <= through:
        times.append(at)
        at += FUNDING_PERIOD
    return times


def funding_due(value: Decimal, rate: Decimal, periods: int) -> Decimal:
    """Return what a short of an unsigned value pays for a number of periods at a rate for each."""
    return quantize(value * rate) * periods
