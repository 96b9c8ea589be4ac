"""Taking over orders that were placed elsewhere with the same account."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from algotrendy.trading.broker import BrokerGateway, VenueOrder, VenueTrade
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import ZERO, OrderType, Side
from apps.accounts.models import Action
from apps.accounts.services import audit
from apps.brokers.models import BrokerConnection
from apps.marketdata.models import Instrument
from apps.orders.models import Order, OrderRole, validate_client_order_id
from apps.orders.services.steps.stepping import order_begin
from apps.orders.services.venue.executions import trade_apply
from apps.orders.services.venue.following import Followed
from apps.orders.services.venue.recognizing import Recognized, orders_at
from apps.orders.services.venue.truth import venue_order_apply
from apps.orders.services.venue.unknown import UNKNOWN
from apps.portfolio.models import Portfolio
from apps.portfolio.services import portfolio_lock

from .differences import Difference, strange_trade, stranger

log = structlog.get_logger(__name__)
MAY_TURN_UP = timedelta(days=1)
"""How long an order that was given up is looked for among an account's unknown ones."""
NO_PORTFOLIO = "No single portfolio of this connection trades in its currency."
NO_ID = "It has no client order id by which it could be followed."


def strangers_adopt(
    connection: BrokerConnection,
    instrument: Instrument,
    followed: Followed,
    gateway: BrokerGateway,
    *,
    horizon: datetime | None,
) -> tuple[int, list[Difference]]:
    """Take over orders that the account has elsewhere; return how many, and what could not be.

    Executions without an order at work are taken over from `horizon` on: those before are the account's past. While an
    order of ours is on its way, nothing is a stranger's yet. Raises BrokerUnavailable.
    """
    if not followed.strangers and not followed.strange_trades:
        return 0, []
    if _look_for_lost(connection, instrument, gateway):
        return 0, []
    portfolio = _portfolio(connection, instrument)
    adopted, left = 0, []
    ours = Recognized(connection, instrument, [*followed.strangers, *followed.strange_trades])
    for venue_order in followed.strangers:
        if ours.order_of(venue_order) is not None:
            continue
        why = NO_PORTFOLIO if portfolio is None else "" if _fits(venue_order) else NO_ID
        if portfolio is None or why:
            left.append(stranger(venue_order, why))
            continue
        order = _adopt(portfolio, instrument, venue_order)
        venue_order_apply(order=order, venue_order=venue_order, gateway=gateway)
        adopted += 1
    at_work = {venue_order.exchange_order_id for venue_order in followed.strangers}
    for trades in _ended(connection, instrument, followed.strange_trades, at_work, horizon):
        if portfolio is None:
            left += [strange_trade(trade, NO_PORTFOLIO) for trade in trades]
            continue
        order = _adopt(portfolio, instrument, _from_trades(trades))
        for trade in trades:
            trade_apply(order=order, trade=trade, traits=gateway.traits)
        adopted += 1
    return adopted, left


def _look_for_lost(connection: BrokerConnection, instrument: Instrument, gateway: BrokerGateway) -> bool:
    """Ask about orders of ours that may be the unknown ones; tell whether one was found or is still on its way."""
    orders = orders_at(connection, instrument)
    if orders.filter(status=OrderStatus.SUBMITTED).exists():
        return True
    recent = timezone.now() - MAY_TURN_UP
    was_found = False
    for order in orders.filter(reason_code=UNKNOWN, closed_at__gt=recent, status=OrderStatus.REJECTED):
        venue_order = gateway.fetch_order(order.client_order_id, instrument.symbol)
        if venue_order is not None:
            venue_order_apply(order=order, venue_order=venue_order, gateway=gateway)
            was_found = True
    return was_found


def _portfolio(connection: BrokerConnection, instrument: Instrument) -> Portfolio | None:
    portfolios = list(Portfolio.objects.filter(connection=connection, is_simulation=False)[:2])
    if len(portfolios) != 1 or portfolios[0].base_currency != instrument.quote_currency:
        return None
    return portfolios[0]


def _fits(venue_order: VenueOrder) -> bool:
    return bool(re.fullmatch(validate_client_order_id.regex, venue_order.client_order_id))


def _ended(
    connection: BrokerConnection,
    instrument: Instrument,
    trades: list[VenueTrade],
    at_work: set[str],
    horizon: datetime | None,
) -> list[list[VenueTrade]]:
    """Return the executions of each unknown order that has ended since the horizon."""
    if horizon is None:
        return []
    ours = Recognized(connection, instrument, trades)
    ended = [
        trade
        for trade in trades
        if trade.at >= horizon and trade.exchange_order_id not in at_work and ours.order_of(trade) is None
    ]
    ended.sort(key=attrgetter("exchange_order_id", "at", "trade_id"))
    return [list(group) for _, group in groupby(ended, key=attrgetter("exchange_order_id"))]


def _from_trades(trades: list[VenueTrade]) -> VenueOrder:
    first = trades[0]
    return VenueOrder(
        client_order_id=first.client_order_id,
        exchange_order_id=first.exchange_order_id,
        status=OrderStatus.FILLED,
        filled_quantity=ZERO,
        symbol=first.symbol,
        side=first.side,
        type=OrderType.MARKET,
        quantity=sum((trade.quantity for trade in trades), ZERO),
        average_price=first.price,
        at=first.at,
    )


def _adopt(portfolio: Portfolio, instrument: Instrument, venue_order: VenueOrder) -> Order:
    try:
        return _write(portfolio, instrument, venue_order)
    except IntegrityError:  # Another connection of the owner has an order of that id.
        return _write(portfolio, instrument, replace(venue_order, client_order_id=""))


@transaction.atomic
def _write(portfolio: Portfolio, instrument: Instrument, venue_order: VenueOrder) -> Order:
    portfolio = portfolio_lock(portfolio.pk)
    price = venue_order.limit_price or venue_order.stop_price or venue_order.average_price or instrument.price_tick
    name = venue_order.client_order_id if _fits(venue_order) else ""
    order = Order(
        owner_id=portfolio.owner_id,
        portfolio=portfolio,
        instrument=instrument,
        role=OrderRole.EXTERNAL,
        client_order_id=name or _own_id(venue_order),
        exchange_order_id=venue_order.exchange_order_id,
        side=venue_order.side or Side.BUY,
        type=venue_order.type or OrderType.LIMIT,
        status=OrderStatus.OPEN,
        quantity=venue_order.quantity,
        limit_price=venue_order.limit_price,
        stop_price=venue_order.stop_price,
        reference_price=price,
        active_from=venue_order.at or timezone.now(),
        submitted_at=venue_order.at or timezone.now(),
    )
    order_begin(order=order, detail={"adopted": venue_order.exchange_order_id})
    audit(Action.ORDER_ADOPTED, target=order, order=order.summary)
    log.info("order_adopted", order=str(order.pk), exchange_order_id=venue_order.exchange_order_id)
    return order


def _own_id(venue_order: VenueOrder) -> str:
    symbol = re.sub(r"[^A-Za-z0-9]", "", venue_order.symbol)
    return f"ext-{symbol}-" + re.sub(r"[^A-Za-z0-9_-]", "_", venue_order.exchange_order_id)[:60]
