"""A gateway whose every call is counted and timed, whatever the venue."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from algotrendy.trading.broker import (
    BrokerGateway,
    KeyRights,
    OrderRequest,
    VenueBalance,
    VenueOrder,
    VenuePosition,
    VenueTrade,
    VenueTraits,
)
from apps.brokers.metrics import counted


class CountedGateway:
    """Passes each call on to a venue's gateway."""

    def __init__(self, broker: str, gateway: BrokerGateway) -> None:
        self.broker = broker
        self.gateway = gateway

    @property
    def traits(self) -> VenueTraits:
        return self.gateway.traits

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

    def fetch_open_orders(self, symbol: str) -> list[VenueOrder]:
        with counted(self.broker, "fetch_open_orders"):
            return self.gateway.fetch_open_orders(symbol)

    def fetch_trades(self, symbol: str, since: datetime | None) -> list[VenueTrade]:
        with counted(self.broker, "fetch_trades"):
            return self.gateway.fetch_trades(symbol, since)

    def fetch_order_trades(self, client_order_id: str, symbol: str) -> list[VenueTrade]:
        with counted(self.broker, "fetch_order_trades"):
            return self.gateway.fetch_order_trades(client_order_id, symbol)

    def fetch_balances(self) -> dict[str, VenueBalance]:
        with counted(self.broker, "fetch_balances"):
            return self.gateway.fetch_balances()

    def fetch_positions(self, symbols: list[str]) -> dict[str, VenuePosition]:
        with counted(self.broker, "fetch_positions"):
            return self.gateway.fetch_positions(symbols)

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        with counted(self.broker, "set_leverage"):
            self.gateway.set_leverage(symbol, leverage)

    def key_rights(self) -> KeyRights:
        with counted(self.broker, "key_rights"):
            return self.gateway.key_rights()
