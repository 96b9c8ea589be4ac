"""Which instruments of an account are compared, and how far back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from algotrendy.trading.orders import WORKING
from apps.brokers.models import BrokerConnection
from apps.marketdata.models import Instrument
from apps.orders.models import Fill, Order, Reconciliation, ReconciliationOutcome
from apps.portfolio.models import Position
from apps.strategies.models import Strategy

RECENT = timedelta(days=1)
OVERLAP = timedelta(minutes=10)


def instruments_of(connection: BrokerConnection) -> list[Instrument]:
    """Return the instruments that the connection's portfolios hold, have ordered of late, or run strategies on."""
    held = Position.objects.filter(portfolio__connection=connection, closed_at__isnull=True)
    ordered = Order.objects.filter(portfolio__connection=connection).filter(
        Q(status__in=WORKING) | Q(created_at__gt=timezone.now() - RECENT)
    )
    run = Strategy.objects.filter(portfolio__connection=connection, enabled=True)
    ids = {
        pk
        for rows in (
            held.filter(portfolio__is_simulation=False),
            ordered.filter(portfolio__is_simulation=False),
            run.filter(portfolio__is_simulation=False),
        )
        for pk in rows.values_list("instrument", flat=True).distinct().order_by()
    }
    return list(Instrument.objects.filter(pk__in=ids).order_by("symbol"))


def since_of(connection: BrokerConnection, instrument: Instrument) -> datetime | None:
    """Return from when executions are looked at: shortly before the last comparison, at first one day back.

    At the paper venue, whose time is the market's, one day before the newest known one.
    """
    if connection.is_paper:
        fills = Fill.objects.filter(connection=connection, order__instrument=instrument)
        newest: datetime | None = fills.aggregate(newest=Max("executed_at"))["newest"]
        return None if newest is None else newest - RECENT
    last = concluded(connection).order_by("-id").values_list("started_at", flat=True).first()
    return timezone.now() - RECENT if last is None else last - OVERLAP


def horizon_of(connection: BrokerConnection) -> datetime | None:
    """Return since when the account is followed: what was traded before is its past; None while it is not."""
    first: datetime | None = concluded(connection).order_by("id").values_list("started_at", flat=True).first()
    return first


def concluded(connection: BrokerConnection) -> QuerySet[Reconciliation]:
    """Return the connection's comparisons that the venue has answered."""
    done = [ReconciliationOutcome.CLEAN, ReconciliationOutcome.REPAIRED, ReconciliationOutcome.DRIFT]
    return Reconciliation.objects.filter(connection=connection, outcome__in=done)
