"""A gateway whose every call is counted and timed, whatever the venue."""

from __future__ import annotations

from decimal import Decimal

from algotrendy.trading.broker import BrokerGateway, OrderRequest, VenueOrder
from apps.brokers.metrics import counted


class CountedGateway:
    """Passes each call on to a venue's gateway."""

    def __init__(self, broker: str, gateway: BrokerGateway) -> None:
        self.broker = broker
        self.gateway = gateway

    def submit_order(self, request: OrderRequest) -> VenueOrder:
        with counted(self.broker, "submit_order"):
            return self.gateway.submit_order(request)

    def cancel_order(self, client_order_id: str, symbol: str) -> VenueOrder:
        with counted(self.broker, "cancel_order"):
            return self.gateway.cancel_order(client_order_id, symbol)

    def reduce_order(self, client_order_id: str, symbol: str, quantity: Decimal) -> VenueOrder:
        with counted(self.broker, "reduce_order"):
            return self.gateway.reduce_order(client_order_id, symbol, quantity)

    def fetch_order(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        with counted(self.broker, "fetch_order"):
            return self.gateway.fetch_order(client_order_id, symbol)
