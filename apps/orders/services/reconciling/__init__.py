"""Comparing the platform with its venues: orders, fills, positions, money. What can be repaired is, the rest is told.

A venue that does not answer makes a failed comparison, of which nothing is concluded: never that it holds nothing.
"""

from .alerting import reconciliation_alerts
from .comparing import connection_compare
from .differences import DIFFERENCE_KINDS, Difference
from .running import (
    ReconciliationRunning,
    connection_is_ready,
    connection_reconcile,
    connections_to_reconcile,
    reconciliation_request,
    reconciliations_prune,
)

__all__ = [
    "DIFFERENCE_KINDS",
    "Difference",
    "ReconciliationRunning",
    "connection_compare",
    "connection_is_ready",
    "connection_reconcile",
    "connections_to_reconcile",
    "reconciliation_alerts",
    "reconciliation_request",
    "reconciliations_prune",
]
