"""What the orders app counts."""

from __future__ import annotations

from prometheus_client import Counter

from apps.orders.models import Order

ORDERS = Counter("orders_total", "Orders that were committed.", ["side", "type", "role"])
FILLED = Counter("orders_filled_total", "Fills that were applied.", ["side", "role"])
DENIED = Counter("orders_denied_total", "Orders that the risk check refused.", ["code"])
REJECTED = Counter("orders_rejected_total", "Orders that a venue refused.", ["code"])


def count_order(order: Order) -> None:
    """Count a committed order, unless it belongs to a simulation."""
    if not order.portfolio.is_simulation:
        ORDERS.labels(order.side, order.type, order.role).inc()


def count_fill(order: Order) -> None:
    """Count a fill, unless it belongs to a simulation."""
    if not order.portfolio.is_simulation:
        FILLED.labels(order.side, order.role).inc()


def count_denied(code: str) -> None:
    DENIED.labels(code).inc()


def count_rejected(code: str) -> None:
    REJECTED.labels(code).inc()
