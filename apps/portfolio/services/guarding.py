"""Protections: a portfolio that loses too much in a day, or from its highest worth, stops opening positions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from decimal import Decimal

from algotrendy.trading.protections import DAY, Cause, Guards, breaches, day_of, next_day
from apps.common.gathering import row_save
from apps.portfolio.limiting import guards_of_each
from apps.portfolio.models import EquitySnapshot, HaltCause, Portfolio
from apps.portfolio.services.halts import halt_open


def protections_check(*, equities: Mapping[Portfolio, Decimal], at: datetime) -> None:
    """Hold what portfolios are worth at a market time against their guards, and note what each day began with.

    The caller holds the portfolios' locks. A worth at midnight ends one day and begins the next. A daily loss halts
    until the next midnight of the market, a drawdown until a person ends it.
    """
    real = {portfolio: equity for portfolio, equity in equities.items() if not portfolio.is_simulation}
    guards = guards_of_each(real)
    for portfolio, equity in real.items():
        _check(portfolio, guards[portfolio.pk], equity, at)


def _check(portfolio: Portfolio, guards: Guards, equity: Decimal, at: datetime) -> None:
    _begin_day(portfolio, at)
    day_equity = portfolio.day_equity
    assert day_equity is not None  # noqa: S101 - the day has begun above
    for breach in breaches(guards, equity=equity, day_equity=day_equity, peak_equity=portfolio.peak_equity):
        until = next_day(at) if breach.cause is Cause.DAILY_LOSS else None
        halt_open(portfolio=portfolio, cause=HaltCause(breach.cause), reason=breach.reason, until=until)
    _end_day(portfolio, equity, at)


def _begin_day(portfolio: Portfolio, at: datetime) -> None:
    """Note the worth before `at` as what its day began with, where that day is new.

    A candle that comes somewhat late leaves the day as it is; one from long before is of a replay that began again.
    """
    day = day_of(at).date()
    known = portfolio.day
    if known is not None and portfolio.day_equity is not None and known - DAY <= day <= known:
        return
    before = EquitySnapshot.objects.filter(portfolio=portfolio, at__lt=at).order_by("-at").first()
    _note(portfolio, day_of(at), portfolio.initial_cash if before is None else before.equity)


def _end_day(portfolio: Portfolio, equity: Decimal, at: datetime) -> None:
    is_midnight = at == datetime.combine(at.astimezone(UTC).date(), time(), tzinfo=UTC)
    if is_midnight and portfolio.day is not None and at.date() > portfolio.day:
        _note(portfolio, at, equity)


def _note(portfolio: Portfolio, day: datetime, equity: Decimal) -> None:
    portfolio.day, portfolio.day_equity = day.astimezone(UTC).date(), equity
    row_save(portfolio, ["day", "day_equity"])
