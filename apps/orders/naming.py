"""Ids of the orders that the platform makes by itself: short enough for every exchange.

An exchange's own id for an order has room for one UUID and few letters beside it, seven at those with the least
(`apps.brokers.adapters.exchange.ids`): what an order is for is told by one UUID, however much that is.
"""

from __future__ import annotations

import uuid


def one_id(of: uuid.UUID, *what: str) -> str:
    """Return the 32 digits that stand for a row and what is done to it; the same for the same."""
    return uuid.uuid5(of, "|".join(what)).hex
