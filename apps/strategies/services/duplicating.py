"""Putting the same rule with the same parameters to work a second time."""

from __future__ import annotations

from itertools import count

from django.db import transaction

from apps.accounts.models import Action as Recorded
from apps.accounts.services import audit
from apps.marketdata.models import Instrument
from apps.portfolio.models import Portfolio
from apps.strategies.models import Strategy
from apps.strategies.selectors import settings_of

from .configuring import strategy_create

LONGEST_NAME = 100


@transaction.atomic
def strategy_duplicate(
    *,
    strategy: Strategy,
    name: str = "",
    portfolio: Portfolio | None = None,
    instrument: Instrument | None = None,
    timeframe: str = "",
) -> Strategy:
    """Make a strategy like this one, in the same place except where another is named; it starts disabled."""
    target = portfolio or strategy.portfolio
    made = strategy_create(
        portfolio=target,
        instrument=instrument or strategy.instrument,
        timeframe=timeframe or strategy.timeframe,
        **{**settings_of(strategy), "name": name or free_name(target, strategy.name)},
    )
    audit(Recorded.STRATEGY_DUPLICATED, target=made, source=str(strategy.pk), version=strategy.version)
    return made


def free_name(portfolio: Portfolio, name: str) -> str:
    """Return a name for a copy that no strategy of the portfolio has: the name itself where that is free."""
    taken = set(portfolio.strategies.values_list("name", flat=True))
    endings = ("" if number == 0 else " copy" if number == 1 else f" copy {number}" for number in count())
    names = (name[: LONGEST_NAME - len(ending)] + ending for ending in endings)
    return next(candidate for candidate in names if candidate not in taken)
