"""When a portfolio is to stop by itself: a day's loss, a drawdown, a streak of stop losses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from .risk import stricter_of

MOMENT = timedelta(microseconds=1)
DAY = timedelta(days=1)


class Cause(StrEnum):
    DAILY_LOSS = "daily_loss"
    DRAWDOWN = "drawdown"
    COOLDOWN = "cooldown"


@dataclass(frozen=True, slots=True)
class Guards:
    """At what loss trading stops, in percent; None is never. `cooldown_losses` of 0 knows no streak."""

    daily_loss_percent: Decimal | None = None
    drawdown_percent: Decimal | None = None
    cooldown_losses: int = 0
    cooldown: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Breach:
    """A guard that was met: what it is, in a sentence with its figures."""

    cause: Cause
    reason: str


def guards_within(guards: Guards, daily_loss: Decimal | None, drawdown: Decimal | None) -> Guards:
    """Return the guards with the stricter of their own percentages and the platform's."""
    return Guards(
        daily_loss_percent=stricter_of(guards.daily_loss_percent, daily_loss),
        drawdown_percent=stricter_of(guards.drawdown_percent, drawdown),
        cooldown_losses=guards.cooldown_losses,
        cooldown=guards.cooldown,
    )


def breaches(guards: Guards, *, equity: Decimal, day_equity: Decimal, peak_equity: Decimal) -> Iterator[Breach]:
    """Yield the guards that the equity meets: a loss that just reaches its limit does."""
    if _is_met(guards.daily_loss_percent, day_equity, equity):
        lost = f"Equity {equity:,.2f} is {_percent(day_equity, equity):.2f} % below the day's begin, {day_equity:,.2f}"
        yield Breach(Cause.DAILY_LOSS, f"{lost}; the daily loss limit is {guards.daily_loss_percent:.2f} %.")
    if _is_met(guards.drawdown_percent, peak_equity, equity):
        lost = f"Equity {equity:,.2f} is {_percent(peak_equity, equity):.2f} % below its highest, {peak_equity:,.2f}"
        yield Breach(Cause.DRAWDOWN, f"{lost}; the maximum drawdown is {guards.drawdown_percent:.2f} %.")


def day_of(at: datetime) -> datetime:
    """Return the begin of the UTC day that a moment ends or falls in: midnight is the end of the day before."""
    return datetime.combine((at.astimezone(UTC) - MOMENT).date(), time(), tzinfo=UTC)


def next_day(at: datetime) -> datetime:
    """Return the first midnight after a moment."""
    return datetime.combine(at.astimezone(UTC).date(), time(), tzinfo=UTC) + DAY


def _is_met(percent: Decimal | None, before: Decimal, equity: Decimal) -> bool:
    return percent is not None and before > 0 and (before - equity) * 100 >= percent * before


def _percent(before: Decimal, equity: Decimal) -> Decimal:
    return (before - equity) * 100 / before
