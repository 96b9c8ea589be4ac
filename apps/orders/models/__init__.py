"""Orders, what happened to them, what was traded, and how that compares with the venues."""

from .fills import Fill, LaggingAccount, SeriesCursor
from .orders import Order, OrderClass, OrderEvent, OrderRole, validate_client_order_id
from .reconciliations import Reconciliation, ReconciliationOutcome

__all__ = [
    "Fill",
    "LaggingAccount",
    "Order",
    "OrderClass",
    "OrderEvent",
    "OrderRole",
    "Reconciliation",
    "ReconciliationOutcome",
    "SeriesCursor",
    "validate_client_order_id",
]
