"""A connection's account at a real exchange."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from algotrendy.trading.broker import (
    KeyRights,
    OrderRequest,
    VenueBalance,
    VenueOrder,
    VenuePosition,
    VenueTrade,
    VenueTraits,
)
from algotrendy.trading.errors import BrokerRejected, BrokerUnavailable
from algotrendy.trading.values import OrderType, TimeInForce
from apps.brokers.live import LiveRefused, require_may_trade
from apps.brokers.models import BrokerConnection, MarketType

from . import reading
from .abilities import ASKED_BY_CLIENT_ID, exchange_traits
from .client import ExchangeClient, Market, client_of
from .ids import to_wire
from .pages import pages_by_id, trade_rows
from .rights import rests_at, rights_of

_SENT_AS = {
    OrderType.MARKET: ("market", ""),
    OrderType.LIMIT: ("limit", ""),
    OrderType.STOP: ("market", "stopLossPrice"),
    OrderType.STOP_LIMIT: ("limit", "stopLossPrice"),
    OrderType.TAKE_PROFIT: ("market", "takeProfitPrice"),
}
"""ccxt's word for each type, and the name of its trigger."""
_LIFETIMES = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}


class CcxtGateway:
    """Trades at an exchange through ccxt.

    What may have been taken without an answer is BrokerUnavailable, and so is everything that goes wrong with a
    question: only the exchange's own word makes an order unknown.
    """

    def __init__(self, connection: BrokerConnection) -> None:
        self.connection = connection

    @property
    def traits(self) -> VenueTraits:
        return exchange_traits(self.connection.test_result.get("rests", ()))

    @property
    def client(self) -> ExchangeClient:
        return client_of(self.connection)

    def submit_order(self, request: OrderRequest) -> VenueOrder:
        self._require_may_trade()
        client = self.client
        market = client.market(request.symbol)
        type_, price, params = self._written(request, client, market)
        quantity = request.quantity / _size(market)
        _require_grid(client, market, "amount", quantity, "quantity_off_step")
        _require_grid(client, market, "price", request.limit_price, "limit_price_off_tick")
        _require_grid(client, market, "price", request.stop_price, "stop_price_off_tick")
        row = client.ask("create_order", market["symbol"], type_, request.side.value, f"{quantity:f}", price, params)
        with _readable():
            return reading.order_from(
                row, symbol=request.symbol, size=_size(market), client_order_id=request.client_order_id, sent=request
            )

    def cancel_order(self, client_order_id: str, symbol: str) -> VenueOrder:
        """Cancel and then ask, because exchanges answer a cancel with little, and with an error where it was late."""
        client = self.client
        market = client.market(symbol)
        identity, params = self._identity(client, market, client_order_id)
        try:
            client.ask("cancel_order", identity, market["symbol"], params)
        except BrokerRejected as error:
            if error.code != "unknown_order":
                raise BrokerUnavailable(error.message, code=error.code) from None
        found = self.fetch_order(client_order_id, symbol)
        if found is None:
            raise BrokerRejected(f"{client.exchange} has no order {client_order_id}.", code="unknown_order")
        return found

    def reduce_order(self, client_order_id: str, symbol: str, quantity: Decimal) -> VenueOrder:
        raise BrokerRejected(
            f"{self.connection.exchange} cannot make a resting order smaller: cancel it and place another.",
            code="not_supported",
        )

    def fetch_order(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        with _question():
            client = self.client
            market = client.market(symbol)
            if client.exchange not in ASKED_BY_CLIENT_ID:
                return self._searched(client, market, client_order_id, symbol)
            try:
                row = client.ask(
                    "fetch_order",
                    "",
                    market["symbol"],
                    {"clientOrderId": to_wire(client.exchange, client_order_id)},
                )
            except BrokerRejected as error:
                if error.code == "unknown_order":
                    return None
                raise
            return reading.order_from(row, symbol=symbol, size=_size(market), client_order_id=client_order_id)

    def fetch_open_orders(self, symbol: str) -> list[VenueOrder]:
        with _question():
            client = self.client
            market = client.market(symbol)
            rows = client.ask("fetch_open_orders", market["symbol"])
            return [reading.order_from(row, symbol=symbol, size=_size(market)) for row in rows]

    def fetch_trades(self, symbol: str, since: datetime | None) -> list[VenueTrade]:
        with _question():
            client = self.client
            market = client.market(symbol)
            return self._trades(market, symbol, trade_rows(client, market["symbol"], since))

    def fetch_order_trades(self, client_order_id: str, symbol: str) -> list[VenueTrade]:
        with _question():
            order = self.fetch_order(client_order_id, symbol)
            if order is None:
                return []
            client = self.client
            market = client.market(symbol)
            own = {"orderId": order.exchange_order_id} if pages_by_id(client) else {}
            rows = trade_rows(client, market["symbol"], None if own else order.at, **own)
            mine = [row for row in rows if str(row.get("order")) == order.exchange_order_id]
            return self._trades(market, symbol, mine)

    def fetch_balances(self) -> dict[str, VenueBalance]:
        with _question():
            return reading.balances_from(self.client.ask("fetch_balance"))

    def fetch_positions(self, symbols: list[str]) -> dict[str, VenuePosition]:
        if self.connection.market_type == MarketType.SPOT:
            return reading.balances_as_positions(self.fetch_balances(), symbols)
        with _question():
            client = self.client
            known = {client.market(symbol)["symbol"]: symbol for symbol in symbols}
            rows = [row for row in client.ask("fetch_positions", list(known)) if row.get("symbol") in known]
            found = [
                reading.position_from(row, symbol=known[row["symbol"]], size=_size(client.market(known[row["symbol"]])))
                for row in rows
            ]
            return {position.symbol: position for position in found if position.quantity}

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        if self.connection.market_type == MarketType.SPOT or leverage != int(leverage):
            raise BrokerRejected(
                f"{self.connection.exchange} takes whole leverages of contracts only.", code="not_supported"
            )
        self._require_may_trade()
        client = self.client
        client.ask("set_leverage", int(leverage), client.market(symbol)["symbol"])

    def key_rights(self) -> KeyRights:
        return rights_of(self.client, sandbox=self.connection.sandbox)

    def types_that_rest(self) -> frozenset[OrderType]:
        """Ask the exchange which types of order rest there; the answer is kept where the connection was tested."""
        return rests_at(self.client)

    def _require_may_trade(self) -> None:
        try:
            require_may_trade(self.connection)
        except LiveRefused as error:
            raise BrokerRejected(error.message, code=error.code) from None

    def _written(
        self, request: OrderRequest, client: ExchangeClient, market: Market
    ) -> tuple[str, str | None, dict[str, Any]]:
        """Return ccxt's type, price and parameters of an order; raise BrokerRejected for what cannot be written."""
        if request.type not in _SENT_AS:
            raise BrokerRejected(f"{client.exchange} takes no {request.type} orders.", code="type_not_supported")
        type_, trigger = _SENT_AS[request.type]
        params: dict[str, Any] = {"clientOrderId": to_wire(client.exchange, request.client_order_id)}
        if trigger:
            params[trigger] = f"{request.stop_price:f}"
        if request.post_only:
            params["postOnly"] = True
        elif type_ == "limit":
            if request.time_in_force not in _LIFETIMES:
                raise BrokerRejected(
                    f"{client.exchange} keeps no {request.time_in_force} orders; use gtc, ioc or fok.",
                    code="time_in_force_not_supported",
                )
            params["timeInForce"] = _LIFETIMES[request.time_in_force]
        if request.reduce_only and market.get("contract"):
            params["reduceOnly"] = True
        return type_, None if request.limit_price is None else f"{request.limit_price:f}", params

    def _identity(self, client: ExchangeClient, market: Market, client_order_id: str) -> tuple[str, dict[str, str]]:
        """Return how a cancel names an order: by our id where the exchange knows it, else by its own."""
        if client.exchange in ASKED_BY_CLIENT_ID:
            return "", {"clientOrderId": to_wire(client.exchange, client_order_id)}
        found = self._searched(client, market, client_order_id, market["symbol"])
        return found.exchange_order_id, {}

    def _searched(self, client: ExchangeClient, market: Market, client_order_id: str, symbol: str) -> VenueOrder:
        """Look an order up in the listings of an exchange that cannot be asked by client order id.

        What is not there may still exist: that is no proof, and the order stays in flight.
        """
        wire_id = to_wire(client.exchange, client_order_id)
        for listing in ("fetch_open_orders", "fetch_closed_orders", "fetch_canceled_orders"):
            if not client.behind.has.get(_CAMEL[listing]):
                continue
            for row in client.ask(listing, market["symbol"]):
                if row.get("clientOrderId") == wire_id:
                    return reading.order_from(row, symbol=symbol, size=_size(market), client_order_id=client_order_id)
        raise BrokerUnavailable(
            f"{client.exchange} lists no order {client_order_id}, and cannot be asked for it by that id: look there.",
            code="cannot_be_proved",
        )

    def _trades(self, market: Market, symbol: str, rows: list[dict[str, Any]]) -> list[VenueTrade]:
        return [reading.trade_from(row, symbol=symbol, market_id=market["id"], size=_size(market)) for row in rows]


_CAMEL = {
    "fetch_open_orders": "fetchOpenOrders",
    "fetch_closed_orders": "fetchClosedOrders",
    "fetch_canceled_orders": "fetchCanceledOrders",
}


@contextmanager
def _question() -> Iterator[None]:
    """Make every refusal of a question "not known": no answer about an order is not an answer that it is not there."""
    try:
        with _readable():
            yield
    except BrokerRejected as error:
        raise BrokerUnavailable(error.message, code=error.code) from None


@contextmanager
def _readable() -> Iterator[None]:
    """Make an answer that cannot be read "not known": what was asked for may have been done."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise BrokerUnavailable(f"An exchange's answer cannot be read: {type(error).__name__}.") from None


def _size(market: Market) -> Decimal:
    """Return how much of the base currency one contract is; 1 at a spot market."""
    return (reading.number(market.get("contractSize")) if market.get("contract") else None) or Decimal(1)


def _require_grid(client: ExchangeClient, market: Market, kind: str, value: Decimal | None, code: str) -> None:
    """Raise BrokerRejected unless the exchange takes the figure as it is: nothing is rounded behind anybody's back."""
    if value is None:
        return
    import ccxt

    rounded = getattr(client.behind, f"{kind}_to_precision")
    try:
        with localcontext():  # ccxt rounds in a way of its own, and leaves the thread's decimals like that.
            kept = Decimal(rounded(market["symbol"], f"{value:f}"))
    except ccxt.BaseError:
        kept = Decimal(0)
    if kept != value:
        raise BrokerRejected(f"{client.exchange} would take {kept:f} for {value:f} of {market['symbol']}.", code=code)
