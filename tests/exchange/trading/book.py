"""The book: orders that rest, the price that meets them, and the money that moves when they trade."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any

from tests.exchange.formats import PAIRS

from .accounts import Account
from .orders import LIMITS, STOPS, TARGETS, ZERO, Refused, VenueOrder, VenueTrade, dump

TICK, STEP, LEAST, LEAST_VALUE = Decimal("0.01"), Decimal("0.0001"), Decimal("0.0001"), Decimal(5)
SYMBOLS = {base + quote: (base, quote) for base, quote in PAIRS}
EIGHT = Decimal("0.00000001")


class Book:
    """Everything that was ever ordered and traded, of all accounts; the last price of each symbol is set from outside.

    A market order and a limit order that meets the price fill at once at the price; a resting limit order fills at
    its own limit once the price meets it. `depth` is how much of a symbol can be had at once, where that is limited.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.accounts: dict[str, Account] = {}
        self.orders: list[VenueOrder] = []
        self.trades: list[VenueTrade] = []
        self.prices: dict[str, Decimal] = dict.fromkeys(SYMBOLS, Decimal(100)) | {"BNBUSDT": Decimal(500)}
        self.depth: dict[str, Decimal] = {}
        self.fee_rate = Decimal("0.001")
        self.next_id = 1000

    def find(self, key: str, symbol: str, *, order_id: int = 0, client_order_id: str = "") -> VenueOrder | None:
        """Return the newest order of an account by either id, as the exchange does where an id was used again."""
        for order in reversed(self.orders):
            if order.key == key and order.symbol == symbol:
                if order_id and order.order_id == order_id:
                    return order
                if not order_id and order.client_order_id == client_order_id:
                    return order
        return None

    def place(self, order: VenueOrder) -> VenueOrder:
        """Take an order or refuse it; fill it where it meets the price."""
        self._filter(order)
        price = self.prices[order.symbol]
        is_stop = order.type in (*STOPS, *TARGETS)
        if any(o.is_working and o.key == order.key and o.client_order_id == order.client_order_id for o in self.orders):
            raise Refused(-2010, "Duplicate order sent.")
        if order.type == "LIMIT_MAKER" and order.is_met(price):
            raise Refused(-2010, "Order would immediately match and take.")
        if is_stop and order.is_reached(price):
            raise Refused(-2010, "Stop price would trigger immediately.")
        if not self._possible(order):
            raise Refused(-2022, "ReduceOnly Order is rejected.")
        self._lock(order)
        order.is_triggered = not is_stop
        self.orders.append(order)
        order.mark(order.time, "NEW")
        if order.is_triggered:
            self._meet(order, price, arriving=True)
        return order

    def cancel(self, order: VenueOrder, status: str = "CANCELED") -> VenueOrder:
        self._release(order)
        order.mark(self.now(), status)
        return order

    def set_price(self, symbol: str, price: Decimal) -> None:
        """Move the last price: triggers what it reaches and fills what it meets, in the order of arrival."""
        self.prices[symbol] = price
        for order in [each for each in self.orders if each.symbol == symbol and each.is_working]:
            if not order.is_triggered and order.is_reached(price):
                order.is_triggered = True
                self._meet(order, price, arriving=True)
            elif order.is_triggered and order.type in LIMITS and order.is_met(price):
                self._meet_resting(order)

    def fill(self, order: VenueOrder, quantity: Decimal, price: Decimal | None = None) -> VenueTrade:
        """Fill a part of a working order, at its limit or the last price unless told otherwise."""
        at = price or order.price or self.prices[order.symbol]
        return self._trade(order, at, min(quantity, order.remaining), is_maker=True)

    def dump(self) -> dict[str, Any]:
        return {
            "accounts": {key: account.dump() for key, account in self.accounts.items()},
            "orders": [dump(order) for order in self.orders],
            "trades": [dump(trade) for trade in self.trades],
            "prices": self.prices,
            "next_id": self.next_id,
            "fee_rate": self.fee_rate,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.accounts = {key: Account.load(row) for key, row in state["accounts"].items()}
        self.orders = [VenueOrder.load(row) for row in state["orders"]]
        self.trades = [VenueTrade.load(row) for row in state["trades"]]
        self.prices = {name: Decimal(price) for name, price in state["prices"].items()}
        self.next_id, self.fee_rate = state["next_id"], Decimal(state["fee_rate"])

    def number(self) -> int:
        self.next_id += 1
        return self.next_id

    def _filter(self, order: VenueOrder) -> None:
        priced = order.price or order.stop_price or self.prices[order.symbol]
        if order.quantity < LEAST or order.quantity % STEP:
            raise Refused(-1013, "Filter failure: LOT_SIZE")
        if any(price < 0 or price % TICK for price in (order.price, order.stop_price)):
            raise Refused(-1013, "Filter failure: PRICE_FILTER")
        if order.quantity * priced < LEAST_VALUE and not order.reduce_only:
            raise Refused(-1013, "Filter failure: NOTIONAL")

    def _lock(self, order: VenueOrder) -> None:
        """Tie up what the order may cost; a swap needs margin for it by the account's leverage."""
        account = self.accounts[order.key]
        base, quote = SYMBOLS[order.symbol]
        value = order.quantity * (order.price or order.stop_price or self.prices[order.symbol])
        if order.is_swap:
            margin = ZERO if order.reduce_only else value / account.leverage.get(order.symbol, 20)
            if not account.can_lock(quote, margin):
                raise Refused(-2019, "Margin is insufficient.")
            return
        currency, amount = (quote, value) if order.side == "BUY" else (base, order.quantity)
        if not account.can_lock(currency, amount):
            raise Refused(-2010, "Account has insufficient balance for requested action.")
        account.lock(currency, amount)
        order.locked = amount

    def _release(self, order: VenueOrder) -> None:
        base, quote = SYMBOLS[order.symbol]
        self.accounts[order.key].unlock(quote if order.side == "BUY" else base, order.locked)
        order.locked = ZERO

    def _meet(self, order: VenueOrder, price: Decimal, *, arriving: bool) -> None:
        """Fill what can be had at the price; what then remains of an order that must not rest, expires."""
        is_limit = order.type in LIMITS
        possible = self._possible(order)
        available = min(possible, self.depth.get(order.symbol, possible))
        meets = not is_limit or order.is_met(price)
        if meets and not (order.time_in_force == "FOK" and available < order.remaining) and available > 0:
            self._trade(order, price, available, is_maker=not arriving)
        if order.is_working and (not is_limit or order.time_in_force in ("IOC", "FOK")):
            self.cancel(order, "EXPIRED")

    def _meet_resting(self, order: VenueOrder) -> None:
        if possible := self._possible(order):
            self._trade(order, order.price, possible, is_maker=True)
        if order.is_working:
            self.cancel(order, "EXPIRED")

    def _possible(self, order: VenueOrder) -> Decimal:
        """Return how much of an order can still trade: of one that only reduces a swap, no more than is held."""
        if not (order.is_swap and order.reduce_only):
            return order.remaining
        held = self.accounts[order.key].positions.get(order.symbol, (ZERO, ZERO))[0]
        return min(order.remaining, max(-held * order.sign, ZERO))

    def _trade(self, order: VenueOrder, price: Decimal, quantity: Decimal, *, is_maker: bool) -> VenueTrade:
        commission, asset = self._settle(order, price, quantity)
        order.executed += quantity
        order.quote += price * quantity
        trade = VenueTrade(
            trade_id=self.number(), order_id=order.order_id, client_order_id=order.client_order_id, key=order.key,
            symbol=order.symbol, side=order.side, price=price, quantity=quantity, commission=commission,
            commission_asset=asset, time=self.now(), is_maker=is_maker, is_swap=order.is_swap,
        )  # fmt: skip
        self.trades.append(trade)
        if not order.remaining:
            self._release(order)
        order.mark(trade.time, "FILLED" if not order.remaining else "PARTIALLY_FILLED")
        return trade

    def _settle(self, order: VenueOrder, price: Decimal, quantity: Decimal) -> tuple[Decimal, str]:
        """Move the money of a fill; return the fee and its currency."""
        account = self.accounts[order.key]
        base, quote = SYMBOLS[order.symbol]
        value = price * quantity
        if order.is_swap:
            account.hold(order.symbol, order.sign * quantity, price)
            return self._charge(account, quote, value, value)
        share = order.locked * quantity / order.remaining
        order.locked -= share
        if order.side == "BUY":
            account.unlock(quote, share)
            account.add(quote, -value)
            account.add(base, quantity)
            return self._charge(account, base, quantity, value)
        account.unlock(base, share)
        account.add(base, -quantity)
        account.add(quote, value)
        return self._charge(account, quote, value, value)

    def _charge(self, account: Account, asset: str, amount: Decimal, value: Decimal) -> tuple[Decimal, str]:
        if account.pays_in:
            asset, amount = account.pays_in, value / self.prices[f"{account.pays_in}USDT"]
        commission = (amount * self.fee_rate).quantize(EIGHT, rounding=ROUND_DOWN)
        account.add(asset, -commission)
        return commission, asset
