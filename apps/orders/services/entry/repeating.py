"""The same request again: recognized by its client order id and by what was asked, not by what became of the order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from algotrendy.trading.errors import TradingError
from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import TimeInForce
from apps.common.prepared import Given, Prepared
from apps.marketdata.models import Instrument
from apps.orders.models import Order, OrderClass
from apps.portfolio.models import Portfolio

KEPT = (
    "side", "type", "limit_price", "stop_price", "time_in_force", "reduce_only", "stop_loss", "take_profit", "notional",
    "post_only", "trail_amount", "trail_percent",
)  # fmt: skip
"""What an order keeps of its intent as it was asked; its quantity may shrink later."""


class ClientOrderIdReused(TradingError):
    """The client order id belongs to an order with another body."""

    code = "client_order_id_reused"


def known_order(portfolio: Portfolio, client_order_id: str) -> Order | None:
    """Return the owner's order of that id, whichever of their portfolios it belongs to."""
    return _KNOWN.first(owner=portfolio.owner_id, client_order_id=client_order_id)


_KNOWN = Prepared(lambda: Order.objects.filter(owner=Given("owner"), client_order_id=Given("client_order_id")))


def same_order_require(
    *,
    known: Order,
    portfolio: Portfolio,
    instrument: Instrument,
    intent: OrderIntent,
    order_class: OrderClass,
    metadata: dict[str, Any],
) -> Order:
    """Return the known order where the same was asked for then; raise ClientOrderIdReused where it was not."""
    asked = asked_of(known)
    is_same = (
        (known.portfolio_id, known.instrument_id, known.order_class) == (portfolio.pk, instrument.pk, order_class)
        and "replaces" not in asked
        and all(getattr(known, name) == getattr(intent, name) for name in KEPT)
        and (intent.notional is not None or asked.get("quantity", plain(known.quantity)) == plain(intent.quantity))
        and (intent.time_in_force is not TimeInForce.GTD or known.expires_at == intent.expires_at)
        and known.metadata == metadata
    )
    if not is_same:
        raise id_reused(known.client_order_id)
    return known


def plain(value: Decimal) -> str:
    """Return a quantity as an order's first event keeps it."""
    return f"{value.normalize():f}"


def asked_of(known: Order) -> dict[str, Any]:
    """Return what the order's first event tells of the request."""
    first = known.events.filter(version=0).values_list("detail", flat=True).first()
    return first if isinstance(first, dict) else {}


def id_reused(client_order_id: str) -> ClientOrderIdReused:
    return ClientOrderIdReused(
        f"Client order id {client_order_id} belongs to another order; use a new id for a new order."
    )
