"""An account's resting orders meet a candle: what the paper venue does to them, and what the platform makes of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from django.db import transaction

from algotrendy.trading.candles import Bar
from apps.brokers.adapters.paper import PaperGateway
from apps.brokers.models import BrokerConnection
from apps.common.gathering import gathered
from apps.marketdata.models import Instrument
from apps.orders.models import Order
from apps.orders.selectors import is_unsettled, unsettled_orders
from apps.orders.services.holdings.accounts import Account
from apps.orders.services.holdings.filling import report_take
from apps.orders.services.venue.settling import orders_settle
from apps.portfolio.selectors import LIVE, Scope


@dataclass(slots=True)
class Met:
    """What has come of an account's orders meeting a candle so far."""

    portfolio_ids: set[uuid.UUID] = field(default_factory=set)
    is_over: bool = False
    """Whether the candle does nothing more to them."""
    is_unsettled: bool = False
    """Whether the venue is to be told of something before they meet it further."""


def bar_meet(*, connection: BrokerConnection, instrument: Instrument, bar: Bar, scope: Scope) -> set[uuid.UUID]:
    """Let the candle meet a paper account's resting orders; return the portfolios that had fills."""
    touched: set[uuid.UUID] = set()
    is_over = False
    while not is_over:
        met = _meet(connection, instrument, bar)
        is_over = met.is_over
        touched |= met.portfolio_ids
        if met.is_unsettled:
            venues_tell(instrument=instrument, scope=scope)
    return touched


def venues_tell(*, instrument: Instrument, scope: Scope) -> None:
    """Settle what paper venues are to be told of the instrument's orders.

    One that fails holds up no other, but for a simulation, which would be wrong from then on.
    """
    orders_settle(unsettled_orders(instrument, scope), is_apart=scope is LIVE)


@transaction.atomic
def _meet(connection: BrokerConnection, instrument: Instrument, bar: Bar) -> Met:
    """Apply what the candle does, to the venue's book and the platform's together, until the venue is to be told of
    something that has come of it.
    """
    account, met = Account(connection), Met()
    with gathered() as gathering:
        account.lock()
        book = PaperGateway(connection).meet(instrument.spec, bar)
        account.orders_lock(book.reached)
        account.positions_lock(instrument)
        while not met.is_over and not met.is_unsettled:
            reports = book.next()
            met.is_over = not reports
            for report in reports:
                order = report_take(account=account, report=report, is_new=True)
                if order is not None:
                    met.portfolio_ids.add(order.portfolio_id)
            met.is_unsettled = any(isinstance(row, Order) and is_unsettled(row) for row in gathering.touched())
    return met
