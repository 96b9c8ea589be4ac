"""Orders that reach the paper venue."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from algotrendy.trading.broker import OrderRequest, VenueOrder
from algotrendy.trading.chance import draw
from algotrendy.trading.errors import BrokerRejected
from apps.brokers.models import BrokerConnection, PaperOrder
from apps.common.gathering import rows_insert
from apps.common.prepared import Given, Prepared
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import latest_candle

from .words import venue_order

type Sent = tuple[BrokerConnection, Instrument | None, OrderRequest]
"""An account, what is to be traded (None where the venue does not know it), and the order."""


def paper_submit(sent: Sequence[Sent]) -> list[VenueOrder | BrokerRejected]:
    """Take orders in, each for its account; return for each the order as the venue has it, or why it refuses it.

    An order that the venue has already is the one that it has. It meets the first candle that opens once it has
    arrived, `latency_ms` after it was sent. Refused at once is a post-only order that would take at the newest price;
    one that would take at its first open ends there.
    """
    refused = {_key(each): refusal for each in sent if (refusal := _refusal(each))}
    taken = [each for each in sent if _key(each) not in refused]
    if taken:
        rows_insert([_row(*each) for each in taken], skips_known=True)
    rows = {(order.connection_id, order.client_order_id): order for order in _rows(taken)}
    return [refused.get(key) or venue_order(rows[key]) for key in map(_key, sent)]


def _refusal(sent: Sent) -> BrokerRejected | None:
    _, instrument, request = sent
    if instrument is None:
        return BrokerRejected(f"The paper venue does not trade {request.symbol}.", code="unknown_symbol")
    if not request.post_only or _rows([sent]):
        return None
    return _would_take(request, instrument)


def _would_take(request: OrderRequest, instrument: Instrument) -> BrokerRejected | None:
    """Refuse an order that would take at the newest price, where that price is not of later than the order."""
    candle = latest_candle(instrument)
    if candle is None or request.limit_price is None or candle.close_time > request.active_from:
        return None
    if (request.limit_price - candle.close) * request.side.sign < 0:
        return None
    return BrokerRejected(
        f"A post-only {request.side} at {request.limit_price:f} would take at {candle.close:f}; choose a price on "
        "its own side of the market.",
        code="post_only_would_take",
    )


def _row(connection: BrokerConnection, instrument: Instrument | None, request: OrderRequest) -> PaperOrder:
    return PaperOrder(
        connection=connection,
        client_order_id=request.client_order_id,
        instrument=instrument,
        side=request.side,
        type=request.type,
        time_in_force=request.time_in_force,
        quantity=request.quantity,
        limit_price=request.limit_price,
        stop_price=request.stop_price,
        trail_amount=request.trail_amount,
        trail_percent=request.trail_percent,
        post_only=request.post_only,
        expires_at=request.expires_at,
        oco_group=request.oco_group,
        active_from=request.active_from + _latency(connection, request.client_order_id),
    )


def _latency(connection: BrokerConnection, client_order_id: str) -> timedelta:
    """Return the market time that an order is under way: as set, where there is chance half to one and a half."""
    delay = timedelta(milliseconds=connection.latency_ms)
    if not connection.seed:
        return delay
    factor = Decimal("0.5") + draw(connection.seed, "latency", client_order_id)
    return timedelta(microseconds=int(connection.latency_ms * 1000 * factor))


def _rows(sent: Sequence[Sent]) -> list[PaperOrder]:
    accounts = {connection.pk for connection, _, _ in sent}
    ids = {request.client_order_id for _, _, request in sent}
    return _ROWS(accounts=list(accounts), ids=list(ids)) if sent else []


_ROWS = Prepared(
    lambda: (
        PaperOrder.objects.filter(connection__any=Given("accounts"), client_order_id__any=Given("ids"))
        .select_related("instrument")
        .order_by("id")
    )
)


def _key(sent: Sent) -> tuple[uuid.UUID, str]:
    connection, _, request = sent
    return connection.pk, request.client_order_id
