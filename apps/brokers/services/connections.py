"""Making connections."""

from __future__ import annotations

from decimal import Decimal

from apps.accounts.models import User
from apps.brokers.models import BrokerConnection, BrokerKind


def paper_connection_create(
    *, owner: User, name: str, commission_rate: Decimal | None = None, slippage_rate: Decimal | None = None
) -> BrokerConnection:
    """Open an account at the paper venue; rates not given are the venue's own."""
    connection = BrokerConnection(owner=owner, name=name, kind=BrokerKind.PAPER)
    if commission_rate is not None:
        connection.commission_rate = commission_rate
    if slippage_rate is not None:
        connection.slippage_rate = slippage_rate
    connection.full_clean()
    connection.save()
    return connection
