"""From ccxt's orders, trades and positions to the platform's: exact, and refused where they cannot be read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from algotrendy.trading.broker import OrderRequest, VenueBalance, VenueOrder, VenuePosition, VenueTrade
from algotrendy.trading.errors import BrokerUnavailable
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import ZERO, MarginMode, OrderType, Side

from .ids import from_wire

_STATUS = {
    "open": OrderStatus.OPEN,
    "canceling": OrderStatus.OPEN,
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}
_TYPES = {
    "STOP_LOSS": OrderType.STOP,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT,
    "TAKE_PROFIT_LIMIT": OrderType.TAKE_PROFIT,
}
"""How exchanges that keep stops in one book write them."""


def number(value: Any) -> Decimal | None:
    """Return a figure as the exchange wrote it."""
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise BrokerUnavailable(f"An exchange answers with {str(value)[:40]!r} for a number.") from None
    if not found.is_finite():
        raise BrokerUnavailable(f"An exchange answers with {found} for a number.")
    return found


def order_from(
    row: dict[str, Any], *, symbol: str, size: Decimal, client_order_id: str = "", sent: OrderRequest | None = None
) -> VenueOrder:
    """Read an order; `sent` is the request that it answers, for what an exchange's short answer leaves out."""
    if not row.get("id"):
        raise BrokerUnavailable("An exchange answers with an order that has no id.")
    quantity = (number(row.get("amount")) or ZERO) * size or (sent.quantity if sent is not None else ZERO)
    filled = (number(row.get("filled")) or ZERO) * size
    return VenueOrder(
        client_order_id=client_order_id or from_wire(row.get("clientOrderId") or ""),
        exchange_order_id=str(row["id"]),
        status=_status(row.get("status"), quantity, filled, is_answer=sent is not None),
        filled_quantity=filled,
        symbol=symbol,
        side=Side(row["side"]) if row.get("side") else getattr(sent, "side", None),
        type=_type(row) or getattr(sent, "type", None),
        quantity=quantity,
        limit_price=_positive(row.get("price")) if _has_limit(row) else getattr(sent, "limit_price", None),
        stop_price=_positive(row.get("triggerPrice") or row.get("stopPrice")) or getattr(sent, "stop_price", None),
        average_price=_positive(row.get("average")),
        at=moment(row.get("timestamp")),
    )


def trade_from(row: dict[str, Any], *, symbol: str, market_id: str, size: Decimal) -> VenueTrade:
    """Read an execution. Exchanges number them by instrument: the id is made the account's own by its name."""
    at, price, amount = moment(row.get("timestamp")), number(row.get("price")), number(row.get("amount"))
    if not row.get("id") or at is None or price is None or amount is None or not row.get("side"):
        raise BrokerUnavailable("An exchange lists a trade without its id, time, side, price or quantity.")
    fee = row.get("fee") or next(iter(row.get("fees") or ()), None) or {}
    return VenueTrade(
        trade_id=f"{market_id}-{row['id']}",
        exchange_order_id=str(row.get("order") or ""),
        symbol=symbol,
        side=Side(row["side"]),
        price=price,
        quantity=amount * size,
        fee=number(fee.get("cost")) or ZERO,
        fee_currency=fee.get("currency") or "",
        at=at,
        client_order_id=from_wire(row.get("clientOrderId") or ""),
    )


def balances_from(answer: dict[str, Any]) -> dict[str, VenueBalance]:
    """Read what an account holds, leaving out the currencies of which it holds nothing."""
    if not isinstance(answer.get("free"), dict) or not isinstance(answer.get("used"), dict):
        raise BrokerUnavailable("An exchange answers with balances that cannot be read.")
    found = {}
    for currency in sorted({*answer["free"], *answer["used"]}):
        balance = VenueBalance(
            currency, number(answer["free"].get(currency)) or ZERO, number(answer["used"].get(currency)) or ZERO
        )
        if balance.free or balance.used:
            found[currency] = balance
    return found


def balances_as_positions(balances: dict[str, VenueBalance], symbols: Iterable[str]) -> dict[str, VenuePosition]:
    """Return what a spot account holds of each instrument: the balance of its base currency."""
    bases = {symbol: balances.get(symbol.partition("/")[0]) for symbol in symbols}
    return {symbol: VenuePosition(symbol, held.total) for symbol, held in bases.items() if held is not None}


def position_from(row: dict[str, Any], *, symbol: str, size: Decimal) -> VenuePosition:
    contracts = number(row.get("contracts")) or ZERO
    mode = row.get("marginMode")
    return VenuePosition(
        symbol=symbol,
        quantity=contracts * size * (-1 if row.get("side") == "short" else 1),
        entry_price=_positive(row.get("entryPrice")),
        mark_price=_positive(row.get("markPrice")),
        leverage=_positive(row.get("leverage")),
        margin_mode=MarginMode(mode) if mode in set(MarginMode) else None,
        liquidation_price=_positive(row.get("liquidationPrice")),
    )


def moment(milliseconds: Any) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC)


def _status(told: str | None, quantity: Decimal, filled: Decimal, *, is_answer: bool) -> OrderStatus:
    """Read a status; an answer to a request that tells none says that the order was taken."""
    status = OrderStatus.OPEN if told is None and is_answer else _STATUS.get(told or "")
    if status is None:
        raise BrokerUnavailable(f"An exchange answers with an order that is {str(told)[:40]!r}.")
    if status is OrderStatus.OPEN and filled:
        return OrderStatus.FILLED if filled >= quantity else OrderStatus.PARTIALLY_FILLED
    if status is OrderStatus.FILLED and filled < quantity:
        return OrderStatus.CANCELED  # Closed before it was filled.
    return status


def _type(row: dict[str, Any]) -> OrderType | None:
    raw = _TYPES.get(str((row.get("info") or {}).get("type") if isinstance(row.get("info"), dict) else ""))
    if raw is not None:
        return raw
    return {"market": OrderType.MARKET, "limit": OrderType.LIMIT}.get(row.get("type") or "")


def _has_limit(row: dict[str, Any]) -> bool:
    return row.get("type") == "limit"


def _positive(value: Any) -> Decimal | None:
    """Return a price; exchanges write 0 where there is none."""
    return number(value) or None
