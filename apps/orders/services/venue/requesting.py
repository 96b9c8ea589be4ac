"""What of an order goes to its venue, which may know fewer types and lifetimes than the platform."""

from __future__ import annotations

from algotrendy.trading.broker import OrderRequest, VenueTraits
from algotrendy.trading.values import OrderType, Side, TimeInForce
from apps.brokers.selectors import traits_of
from apps.orders.models import Order


def sent_as(order: Order, traits: VenueTraits) -> OrderType:
    """Return the type that goes to the venue: what the platform has waited for in its place may trade at once."""
    kind = OrderType(order.type)
    is_target_of_pair = kind is OrderType.TAKE_PROFIT and not traits.groups and bool(order.oco_group)
    if kind in traits.rests and not (is_target_of_pair and order.events.filter(kind="triggered").exists()):
        return kind
    return OrderType.LIMIT if kind.needs_limit_price else OrderType.MARKET


def _lasting(order: Order, traits: VenueTraits) -> TimeInForce:
    """Return the time in force that goes to the venue: what is not simulated keeps no date, and the platform does."""
    lasting = TimeInForce(order.time_in_force)
    return TimeInForce.GTC if order.expires_at is not None and not traits.is_simulated else lasting


def request_of(order: Order) -> OrderRequest:
    """Return the order as it is sent."""
    traits = traits_of(order.portfolio.connection)
    kind = sent_as(order, traits)
    rests = kind == order.type
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.instrument.symbol,
        side=Side(order.side),
        type=kind,
        quantity=order.quantity,
        time_in_force=_lasting(order, traits),
        active_from=order.active_from,
        limit_price=order.limit_price,
        stop_price=order.stop_price if rests else None,
        expires_at=order.expires_at,
        oco_group=order.oco_group,
        reduce_only=order.reduce_only,
        post_only=order.post_only,
        trail_amount=order.trail_amount if rests else None,
        trail_percent=order.trail_percent if rests else None,
    )
