"""What a plain ledger says of orders and money: average cost in fractions, worked out apart from the platform."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal as D
from fractions import Fraction

ENDED = ("filled", "canceled", "expired")
SEEN = Counter()
"""What has happened in all the lives of a run, so that it is known to have been put to the proof."""


@dataclass
class Expected:
    """What the ledger knows of an order; `base` is its status as far as fills have no say in it."""

    side: str
    quantity: D
    book: str
    base: str = "pending"
    filled: D = D(0)
    at_venue: str = ""

    @property
    def status(self):
        if self.filled == self.quantity:
            return "filled"
        return "partially_filled" if self.filled and self.base not in ENDED else self.base


@dataclass
class Ledger:
    """Cash, average-cost positions and fees, in fractions: nothing is rounded but each fill's fee."""

    cash: D = D(100_000)
    fees: D = D(0)
    realized: Fraction = Fraction(0)
    held: dict = field(default_factory=lambda: defaultdict(Fraction))
    cost: dict = field(default_factory=lambda: defaultdict(Fraction))
    orders: dict = field(default_factory=dict)

    def fill(self, report):
        order = self.orders[report.client_order_id]
        sign, value = (1 if order.side == "buy" else -1), report.price * report.quantity
        fee = (value * D("0.001")).quantize(D("0.00000001"))
        order.filled += report.quantity
        self.cash -= sign * value + fee
        self.fees += fee
        quantity, price, book = Fraction(report.quantity), Fraction(report.price), order.book
        if self.held[book] * sign < 0:
            SEEN["flip" if quantity > abs(self.held[book]) else "close"] += 1
            closed = min(quantity, abs(self.held[book]))
            share = self.cost[book] * closed / abs(self.held[book])
            self.realized += -sign * closed * price - share
            self.held[book] += sign * closed
            self.cost[book] -= share
            quantity -= closed
        self.held[book] += sign * quantity
        self.cost[book] += sign * quantity * price
