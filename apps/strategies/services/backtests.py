"""Asking for backtests, running them, and keeping what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from algotrendy.trading.backtest.config import InvalidBacktest
from algotrendy.trading.strategies import registry
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import candle_count
from apps.strategies.models import Backtest, Strategy, TradeSetup
from apps.strategies.selectors.backtests import series_source
from apps.strategies.setups import setup_account, setup_plan

from .configuring import complete_parameters
from .jobs import job_cancel, job_start, require_over, require_room

log = structlog.get_logger(__name__)
TASK = "strategies.run_backtest"


@transaction.atomic
def backtest_create(
    *,
    owner: User,
    rule: str,
    instruments: Sequence[Instrument],
    timeframe: str,
    parameters: dict[str, object] | None = None,
    name: str = "",
    strategy: Strategy | None = None,
    **options: Any,
) -> Backtest:
    """Ask for a backtest; a worker runs it. Options are the fields of `TradeSetup`; raises a TradingError."""
    require_room(owner, Backtest)
    backtest = Backtest(
        owner=owner,
        rule=rule,
        timeframe=timeframe,
        parameters=complete_parameters(rule, parameters or {}),
        strategy=strategy,
        **options,
    )
    check_setup(backtest, instruments)
    backtest.name = name or f"{registry.get(rule).title} on {', '.join(item.symbol for item in instruments)}"[:120]
    backtest.full_clean()
    backtest.save()
    backtest.instruments.set(instruments)
    job_start(backtest, TASK)
    audit(Action.BACKTEST_CREATED, target=backtest)
    return backtest


def backtest_cancel(*, backtest: Backtest) -> Backtest:
    """End a backtest that is not over; raises JobNotCancelable."""
    canceled: Backtest = job_cancel(backtest)
    return canceled


@transaction.atomic
def backtest_delete(*, backtest: Backtest) -> None:
    """Delete a backtest that is over, with all that came of it; raises JobIsActive."""
    require_over(backtest)
    audit(Action.BACKTEST_DELETED, target=backtest)
    backtest.delete()


def check_setup(setup: TradeSetup, instruments: Sequence[Instrument]) -> None:
    """Complete what a setup leaves open, and raise InvalidBacktest for what no worker could run."""
    if not instruments:
        raise InvalidBacktest("Name at least one instrument.")
    if len(set(instruments)) < len(instruments):
        raise InvalidBacktest("Name each instrument once.")
    if len({item.quote_currency for item in instruments}) > 1:
        raise InvalidBacktest("An account has one currency; the instruments are quoted in several.")
    setup.source = setup.source or series_source(instruments[0], setup.timeframe) or ""
    setup.clean()
    setup_plan(setup).validate()
    setup_account(setup).validate()
    counts = {
        item: candle_count(
            instrument=item, timeframe=setup.timeframe, source=setup.source, start=setup.start, end=setup.end
        )
        for item in instruments
    }
    for item, count in counts.items():
        if not count:
            raise InvalidBacktest(
                f"There are no {setup.timeframe} candles of {item} in that period; import them, or choose another one."
            )
    if sum(counts.values()) > settings.BACKTEST_MAX_CANDLES:
        raise InvalidBacktest(
            f"The period holds {sum(counts.values()):,} candles, more than the {settings.BACKTEST_MAX_CANDLES:,} that "
            "one backtest may have; choose a shorter one or a longer timeframe."
        )
