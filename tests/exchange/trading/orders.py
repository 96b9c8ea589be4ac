"""Orders and trades of the trading exchange, and how Binance writes them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)
WORKING = ("NEW", "PARTIALLY_FILLED")
STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT", "STOP_MARKET", "STOP")
TARGETS = ("TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "TAKE_PROFIT_MARKET")
LIMITS = ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")
TYPES = ("LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")


class Refused(Exception):
    """The exchange's own error: a code, a message, and the status of the answer."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    @property
    def body(self) -> dict[str, Any]:
        return {"code": self.code, "msg": self.message}


@dataclass
class VenueOrder:
    order_id: int
    client_order_id: str
    key: str
    symbol: str
    side: str
    type: str
    quantity: Decimal
    time: int
    time_in_force: str = "GTC"
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    reduce_only: bool = False
    is_swap: bool = False
    status: str = "NEW"
    executed: Decimal = ZERO
    quote: Decimal = ZERO
    update_time: int = 0
    is_triggered: bool = True
    locked: Decimal = ZERO
    history: list[tuple[int, str, str, str]] = field(default_factory=list)
    """What it was: time, status, executed quantity and quote, oldest first."""

    @property
    def is_working(self) -> bool:
        return self.status in WORKING

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed

    @property
    def sign(self) -> int:
        return 1 if self.side == "BUY" else -1

    def mark(self, at: int, status: str) -> None:
        self.status, self.update_time = status, at
        self.history.append((at, status, f"{self.executed:f}", f"{self.quote:f}"))

    def is_met(self, price: Decimal) -> bool:
        """Tell whether a limit order trades at this price."""
        return self.price >= price if self.side == "BUY" else self.price <= price

    def is_reached(self, price: Decimal) -> bool:
        """Tell whether the price triggers a stop or a target."""
        upward = (self.side == "BUY") == (self.type in STOPS)
        return price >= self.stop_price if upward else price <= self.stop_price

    def answer(self, as_of: int | None = None) -> dict[str, Any]:
        """Write the order as it is, or as it was at a time: the first moment after it, where it did not exist yet."""
        status, executed, quote = self.status, f"{self.executed:f}", f"{self.quote:f}"
        if as_of is not None and self.history:
            past = [row for row in self.history if row[0] <= as_of] or self.history[:1]
            _, status, executed, quote = past[-1]
        written = {
            "symbol": self.symbol, "orderId": self.order_id, "clientOrderId": self.client_order_id,
            "price": f"{self.price:.8f}", "origQty": f"{self.quantity:.8f}", "executedQty": executed,
            "status": status, "timeInForce": self.time_in_force, "type": self.type, "side": self.side,
            "stopPrice": f"{self.stop_price:.8f}", "time": self.time, "updateTime": self.update_time,
        }  # fmt: skip
        if self.is_swap:
            average = Decimal(quote) / Decimal(executed) if Decimal(executed) else ZERO
            swap = {"avgPrice": f"{average:.8f}", "cumQuote": quote, "reduceOnly": self.reduce_only}
            return {**written, **swap, "closePosition": False, "positionSide": "BOTH", "origType": self.type}
        spot = {"orderListId": -1, "cummulativeQuoteQty": quote, "icebergQty": "0.00000000", "isWorking": True}
        return {**written, **spot, "workingTime": self.time, "selfTradePreventionMode": "NONE"}

    @classmethod
    def load(cls, row: dict[str, Any]) -> VenueOrder:
        return _load(cls, row)


@dataclass
class VenueTrade:
    trade_id: int
    order_id: int
    client_order_id: str
    key: str
    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    is_maker: bool
    is_swap: bool = False

    def answer(self) -> dict[str, Any]:
        written = {
            "symbol": self.symbol, "id": self.trade_id, "orderId": self.order_id, "price": f"{self.price:.8f}",
            "qty": f"{self.quantity:f}", "quoteQty": f"{self.price * self.quantity:f}",
            "commission": f"{self.commission:f}", "commissionAsset": self.commission_asset, "time": self.time,
        }  # fmt: skip
        if self.is_swap:
            swap = {"buyer": self.side == "BUY", "maker": self.is_maker, "side": self.side, "positionSide": "BOTH"}
            return {**written, **swap, "realizedPnl": "0"}
        spot = {"isBuyer": self.side == "BUY", "isMaker": self.is_maker, "isBestMatch": True}
        return {**written, **spot, "orderListId": -1}

    @classmethod
    def load(cls, row: dict[str, Any]) -> VenueTrade:
        return _load(cls, row)


def dump(row: VenueOrder | VenueTrade) -> dict[str, Any]:
    return asdict(row)


def _load[Row: (VenueOrder, VenueTrade)](kind: type[Row], row: dict[str, Any]) -> Row:
    decimals = {each.name for each in fields(kind) if each.type == "Decimal"}
    return kind(**{name: Decimal(value) if name in decimals else value for name, value in row.items()})
