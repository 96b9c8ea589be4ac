"""Binance's signed REST interface over a book: what a request asks for, and how the exchange words its answer."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from .accounts import Account
from .orders import TYPES, ZERO, Refused, VenueOrder

if TYPE_CHECKING:
    from .venue import TradingVenue

type Params = dict[str, str]
type Answer = Callable[["TradingVenue", Account, Params], Any]
CLIENT_ID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/_-")
PAGE = 1000


def authenticate(venue: TradingVenue, key: str, signed: str, params: Params) -> Account:
    """Return the account of a signed request; refuse as the exchange does."""
    account = venue.book.accounts.get(key)
    if account is None:
        raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    unsigned = signed.rpartition("&signature=")[0]
    expected = hmac.new(account.secret.encode(), unsigned.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, params.get("signature", "")):
        raise Refused(-1022, "Signature for this request is not valid.")
    behind = venue.now() - int(params["timestamp"])
    if not -1000 < behind <= int(params.get("recvWindow", 5000)):
        where = "outside of the recvWindow." if behind > 0 else "1000ms ahead of the server's time."
        raise Refused(-1021, f"Timestamp for this request was {where}")
    return account


def place(venue: TradingVenue, account: Account, params: Params) -> dict[str, Any]:
    if not account.rights.enableSpotAndMarginTrading:
        raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    return placed(venue, venue.book.place(order_of(venue, account, params)))


def placed(venue: TradingVenue, order: VenueOrder) -> dict[str, Any]:
    fills = [
        {"price": f"{t.price:.8f}", "qty": f"{t.quantity:f}", "commission": f"{t.commission:f}",
         "commissionAsset": t.commission_asset, "tradeId": t.trade_id}
        for t in venue.book.trades if t.order_id == order.order_id
    ]  # fmt: skip
    return {**order.answer(), "transactTime": order.time, "fills": fills}


def order_of(venue: TradingVenue, account: Account, params: Params, *, is_swap: bool = False) -> VenueOrder:
    """Read an order from a request."""
    client_id = params.get("newClientOrderId") or uuid.uuid4().hex[:22]
    if len(client_id) > 36 or not set(client_id) <= CLIENT_ID_CHARACTERS:
        raise Refused(-1100, "Illegal characters found in parameter 'newClientOrderId'.")
    if not is_swap and params["type"] not in TYPES:
        raise Refused(-1116, "Invalid orderType.")
    if params["type"] in ("LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT") and "timeInForce" not in params:
        raise Refused(-1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.")
    return VenueOrder(
        order_id=venue.book.number(),
        client_order_id=client_id,
        key=account.key,
        symbol=symbol_of(venue, params),
        side=params["side"],
        type=params["type"],
        quantity=number(params, "quantity"),
        price=number(params, "price", ZERO),
        stop_price=number(params, "stopPrice", ZERO),
        time_in_force=params.get("timeInForce", "GTC"),
        reduce_only=params.get("reduceOnly", "").lower() == "true",
        is_swap=is_swap,
        time=venue.now(),
    )


def query(venue: TradingVenue, account: Account, params: Params) -> dict[str, Any]:
    order = _known(venue, account, params)
    if order is None or not venue.is_visible(order):
        raise Refused(-2013, "Order does not exist.")
    return venue.shown(order)


def cancel(venue: TradingVenue, account: Account, params: Params) -> dict[str, Any]:
    order = _known(venue, account, params)
    if order is None or not order.is_working:
        raise Refused(-2011, "Unknown order sent.")
    venue.book.cancel(order)
    told = {"origClientOrderId": order.client_order_id, "clientOrderId": uuid.uuid4().hex[:22]}
    return {**order.answer(), **told, "transactTime": venue.now()}


def cancel_all(venue: TradingVenue, account: Account, params: Params) -> list[dict[str, Any]]:
    symbol = symbol_of(venue, params)
    working = [o for o in venue.book.orders if o.key == account.key and o.symbol == symbol and o.is_working]
    if not working:
        raise Refused(-2011, "Unknown order sent.")
    return [venue.book.cancel(order).answer() for order in working]


def open_orders(venue: TradingVenue, account: Account, params: Params) -> list[dict[str, Any]]:
    symbol = symbol_of(venue, params) if "symbol" in params else None
    shown = [
        venue.shown(order)
        for order in venue.book.orders
        if order.key == account.key and symbol in (None, order.symbol) and venue.is_visible(order)
    ]
    return [each for each in shown if each["status"] in ("NEW", "PARTIALLY_FILLED")]


def all_orders(venue: TradingVenue, account: Account, params: Params) -> list[dict[str, Any]]:
    symbol, first = symbol_of(venue, params), int(params.get("orderId", 0))
    start, end = int(params.get("startTime", 0)), int(params.get("endTime", 10**15))
    found = [
        venue.shown(order)
        for order in venue.book.orders
        if order.key == account.key and order.symbol == symbol and order.order_id >= first
        and start <= order.time <= end and venue.is_visible(order)
    ]  # fmt: skip
    return _page(found, params, forward=bool({"orderId", "startTime"} & params.keys()))


def trades(venue: TradingVenue, account: Account, params: Params) -> list[dict[str, Any]]:
    """Oldest first; from an id, from a time, or the newest; an id does not go with times."""
    if "fromId" in params and ("startTime" in params or "endTime" in params):
        raise Refused(-1128, "Combination of optional parameters invalid.")
    symbol, first = symbol_of(venue, params), int(params.get("fromId", 0))
    start, end = int(params.get("startTime", 0)), int(params.get("endTime", 10**15))
    order_id = int(params.get("orderId", 0))
    found = [
        trade.answer()
        for trade in venue.book.trades
        if trade.key == account.key and trade.symbol == symbol and trade.trade_id >= first
        and start <= trade.time <= end and order_id in (0, trade.order_id)
    ]  # fmt: skip
    page = _page(found, params, forward=bool({"fromId", "startTime", "orderId"} & params.keys()))
    return [each for each in page for _ in range(2 if venue.duplicate_trades else 1)]


def account_of(venue: TradingVenue, account: Account, params: Params) -> dict[str, Any]:
    return {
        "makerCommission": 10, "takerCommission": 10, "buyerCommission": 0, "sellerCommission": 0,
        "canTrade": account.rights.enableSpotAndMarginTrading, "canWithdraw": account.rights.enableWithdrawals,
        "canDeposit": True, "updateTime": venue.now(), "accountType": "SPOT", "balances": account.balances(),
        "permissions": ["SPOT"], "uid": 1,
    }  # fmt: skip


def rights(venue: TradingVenue, account: Account, params: Params) -> dict[str, Any]:
    told = account.rights
    return {
        "ipRestrict": told.ipRestrict, "createTime": 1_600_000_000_000, "enableReading": told.enableReading,
        "enableSpotAndMarginTrading": told.enableSpotAndMarginTrading, "enableWithdrawals": told.enableWithdrawals,
        "enableFutures": told.enableFutures, "enableMargin": False, "enableInternalTransfer": False,
        "permitsUniversalTransfer": False, "enableVanillaOptions": False, "enablePortfolioMarginTrading": False,
    }  # fmt: skip


ROUTES: dict[tuple[str, str], tuple[str, Answer]] = {
    ("POST", "/api/v3/order"): ("place", place),
    ("GET", "/api/v3/order"): ("query", query),
    ("DELETE", "/api/v3/order"): ("cancel", cancel),
    ("DELETE", "/api/v3/openOrders"): ("cancel", cancel_all),
    ("GET", "/api/v3/openOrders"): ("open_orders", open_orders),
    ("GET", "/api/v3/allOrders"): ("all_orders", all_orders),
    ("GET", "/api/v3/myTrades"): ("trades", trades),
    ("GET", "/api/v3/account"): ("account", account_of),
    ("GET", "/sapi/v1/account/apiRestrictions"): ("rights", rights),
}


def symbol_of(venue: TradingVenue, params: Params) -> str:
    if params.get("symbol") not in venue.symbols:
        raise Refused(-1121, "Invalid symbol.")
    return params["symbol"]


def number(params: Params, name: str, otherwise: Decimal | None = None) -> Decimal:
    if name not in params and otherwise is not None:
        return otherwise
    try:
        return Decimal(params[name])
    except (KeyError, InvalidOperation):
        raise Refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.") from None


def _known(venue: TradingVenue, account: Account, params: Params) -> VenueOrder | None:
    symbol = symbol_of(venue, params)
    if "orderId" not in params and "origClientOrderId" not in params:
        raise Refused(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    return venue.book.find(
        account.key,
        symbol,
        order_id=int(params.get("orderId", 0)),
        client_order_id=params.get("origClientOrderId", ""),
    )


def _page(found: list[dict[str, Any]], params: Params, *, forward: bool) -> list[dict[str, Any]]:
    limit = min(int(params.get("limit", 500)), PAGE)
    return found[:limit] if forward else found[-limit:]
