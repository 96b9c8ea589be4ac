"""Snapshots of portfolios on which no candle works, so that their curves have no holes."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db.models import Max

from apps.marketdata.models import Feed, Source
from apps.portfolio.models import Portfolio
from apps.portfolio.services.money import equity_snapshot

AGE = timedelta(hours=1)
ON_THE_CLOCK = timedelta(days=2)
"""Where histories are replayed, a portfolio whose newest snapshot is older lives in the past; the clock is not its."""


def portfolios_snapshot(*, at: datetime, age: timedelta = AGE) -> list[uuid.UUID]:
    """Write down what portfolios are worth of which nothing was for `age`; return them.

    A portfolio that trades a replayed history has that history's time and is left to its candles.
    """
    newest = Portfolio.objects.filter(is_simulation=False).annotate(newest=Max("equity__at"))
    replays = Feed.objects.filter(enabled=True, source=Source.REPLAY).exists()
    found = [
        row.pk
        for row in newest.order_by("pk")
        if (row.newest is None or row.newest <= at - age) and (not replays or _is_on_the_clock(row.newest, at))
    ]
    equity_snapshot(portfolio_ids=found, at=at)
    return found


def _is_on_the_clock(newest: datetime | None, at: datetime) -> bool:
    return newest is not None and newest > at - ON_THE_CLOCK
