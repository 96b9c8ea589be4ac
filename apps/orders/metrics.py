"""What the orders app counts."""

from __future__ import annotations

from prometheus_client import Counter

from apps.orders.models import Order, Reconciliation

ORDERS = Counter("orders_total", "Orders that were committed.", ["side", "type", "role"])
FILLED = Counter("orders_filled_total", "Fills that were applied.", ["side", "role"])
DENIED = Counter("orders_denied_total", "Orders that the risk check refused.", ["code"])
REPLACED = Counter("orders_replaced_total", "Orders in whose place another went.", ["type"])
CANCEL_ASKED = Counter("orders_cancel_requested_total", "Orders whose cancel a person asked for.")
LINKED = Counter("orders_linked_total", "Lists of linked orders that were committed.", ["order_class"])
TRIGGERED = Counter("orders_triggered_total", "Orders that the platform sent once their price was there.", ["type"])
CLOSED = Counter("positions_closed_total", "Positions that came to their end.", ["reason"])
REJECTED = Counter("orders_rejected_total", "Orders that a venue refused.", ["code"])
RECONCILED = Counter("reconciliations_total", "Comparisons with venues.", ["broker", "outcome"])
REPAIRED = Counter("reconciliation_repairs_total", "What comparisons put right.", ["broker", "what"])


def count_reconciliation(row: Reconciliation) -> None:
    """Count a comparison by how it ended, and what it put right."""
    RECONCILED.labels(row.connection.kind, row.outcome).inc()
    for what in ("fills_applied", "orders_adopted", "orders_resolved"):
        REPAIRED.labels(row.connection.kind, what).inc(getattr(row, what))


def count_order(order: Order) -> None:
    """Count a committed order, unless it belongs to a simulation."""
    if not order.portfolio.is_simulation:
        ORDERS.labels(order.side, order.type, order.role).inc()


def count_fill(order: Order) -> None:
    """Count a fill, unless it belongs to a simulation."""
    if not order.portfolio.is_simulation:
        FILLED.labels(order.side, order.role).inc()


def count_replaced(order: Order) -> None:
    """Count an order that another takes the place of, unless it belongs to a simulation."""
    if not order.portfolio.is_simulation:
        REPLACED.labels(order.type).inc()


def count_cancels(number: int) -> None:
    CANCEL_ASKED.inc(number)


def count_list(order_class: str) -> None:
    LINKED.labels(order_class).inc()


def count_denied(code: str) -> None:
    DENIED.labels(code).inc()


def count_rejected(code: str) -> None:
    REJECTED.labels(code).inc()


def count_triggered(order: Order) -> None:
    TRIGGERED.labels(order.type).inc()


def count_closed(order: Order) -> None:
    """Count a position by the role of the order that ended it, unless it belongs to a simulation."""
    if not order.portfolio.is_simulation:
        CLOSED.labels(order.role).inc()
