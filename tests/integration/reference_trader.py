"""A trader in fifty lines that knows nothing of the platform: one instrument, one rule, one position, exact decimals.

It trades an SMA cross long and short by the platform's published rules: the signal of a candle is filled at the next
open; market and stop orders pay slippage and are rounded to the tick against the taker; stop and target stand from the
fill on, the stop first; a stop or target that the open has passed fills at the open.
"""

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

D = Decimal
ZERO = D(0)
TICK, SLIP, FEE = D("0.01"), D("0.0005"), D("0.001")
CENT8 = D("0.00000001")


@dataclass
class ReferenceTrader:
    fast: int
    slow: int
    size: Decimal
    cash: Decimal
    stop_percent: int = 5
    target_percent: int = 10
    closes: list = field(default_factory=list)
    held: Decimal = ZERO
    entry_value: Decimal = ZERO
    stop: Decimal | None = None
    target: Decimal | None = None
    waiting: tuple | None = None
    realized: Decimal = ZERO
    fills: list = field(default_factory=list)

    def see(self, opened, closed, o, h, lo, c, *, trades):
        """Live through one candle; before the period only its close is kept."""
        if trades:
            self._exit_at_open(opened, o)
            if self.waiting:
                self._enter(opened, o)
            self._exit_at_open(opened, o)
            self._exit_inside(closed, h, lo)
        self.closes.append(c)
        if trades:
            self._decide(c)

    def _decide(self, close):
        if len(self.closes) < self.slow:
            return
        fast, slow = (sum(self.closes[-n:]) / n for n in (self.fast, self.slow))
        side = (fast > slow) - (fast < slow)
        if side and side != (self.held > 0) - (self.held < 0):
            stop = close * (1 - side * D(self.stop_percent) / 100)
            target = close * (1 + side * D(self.target_percent) / 100)
            self.waiting = (side, *(price.quantize(TICK, ROUND_HALF_EVEN) for price in (stop, target)))

    def _enter(self, at, o):
        side, stop, target = self.waiting
        self.waiting = None
        self._trade(at, side, self.size + abs(self.held), self._slipped(o, side))
        self.stop, self.target = stop, target

    def _exit_at_open(self, at, o):
        if self.held == 0:
            return
        side = 1 if self.held > 0 else -1
        if (self.stop - o) * side >= 0:
            self._close(at, self._slipped(o, -side))
        elif (o - self.target) * side >= 0:
            self._close(at, o.quantize(TICK, ROUND_HALF_EVEN))

    def _exit_inside(self, at, h, lo):
        if self.held > 0:
            if lo <= self.stop:
                self._close(at, self._slipped(self.stop, -1))
            elif h >= self.target:
                self._close(at, self.target)
        elif self.held < 0:
            if h >= self.stop:
                self._close(at, self._slipped(self.stop, 1))
            elif lo <= self.target:
                self._close(at, self.target)

    def _close(self, at, price):
        self._trade(at, -1 if self.held > 0 else 1, abs(self.held), price)

    @staticmethod
    def _slipped(price, side):
        return (price * (1 + side * SLIP)).quantize(TICK, ROUND_CEILING if side > 0 else ROUND_FLOOR)

    def _trade(self, at, side, quantity, price):
        value = price * quantity
        fee = (value * FEE).quantize(CENT8)
        gained = D(0)
        if self.held * side < 0:
            closed = abs(self.held)
            gained = -side * price * closed - self.entry_value
            self.entry_value = side * price * (quantity - closed)
        else:
            self.entry_value += side * value
        self.held += side * quantity
        self.cash -= side * value + fee
        self.realized += gained
        self.fills.append((at, "buy" if side > 0 else "sell", quantity, price, fee, gained))
