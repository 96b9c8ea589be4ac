"""Live trades beside those of a backtest: which are the same, which are missing, and what that cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from algotrendy.trading.values import ZERO

CENT = Decimal("0.01")
LISTED = 50
"""So many trades of each kind are listed, the oldest first."""


@dataclass(frozen=True, slots=True)
class Trade:
    """A round trip: the open time of the candle that it was entered on, its side, and its profit net of fees.

    `closed_at` is None while it is open; then the profit is that at the last close.
    """

    entered: datetime
    side: str
    entry_price: Decimal
    quantity: Decimal
    closed_at: datetime | None
    pnl: Decimal


@dataclass(frozen=True, slots=True)
class Drift:
    """`matched` pairs a live trade with the backtest's, `missing` only the backtest made, `extra` only the live run."""

    matched: list[tuple[Trade, Trade]] = field(default_factory=list)
    missing: list[Trade] = field(default_factory=list)
    extra: list[Trade] = field(default_factory=list)

    @property
    def live_pnl(self) -> Decimal:
        return sum((trade.pnl for trade in [*self.extra, *(live for live, _ in self.matched)]), ZERO)

    @property
    def backtest_pnl(self) -> Decimal:
        return sum((trade.pnl for trade in [*self.missing, *(tested for _, tested in self.matched)]), ZERO)

    @property
    def matched_share(self) -> float:
        """The matched trades' share of all trades of either; 1 where there are none."""
        total = len(self.matched) + len(self.missing) + len(self.extra)
        return len(self.matched) / total if total else 1.0

    @property
    def differing(self) -> list[tuple[Trade, Trade]]:
        """The matched trades whose profits differ by a cent or more."""
        return [pair for pair in self.matched if abs(pair[0].pnl - pair[1].pnl) >= CENT]

    def percent_of(self, account: Decimal) -> Decimal:
        """Return what live made more (less, below 0) than the backtest, in percent of the account, to 4 decimals."""
        return ((self.live_pnl - self.backtest_pnl) / account * 100).quantize(Decimal("0.0001"))

    def details(self) -> dict[str, object]:
        """Return the trades that are not the same, as JSON has them."""
        return {
            "missing": [_row(trade) for trade in self.missing[:LISTED]],
            "extra": [_row(trade) for trade in self.extra[:LISTED]],
            "differing": [
                {**_row(live), "backtest_pnl": _plain(tested.pnl)} for live, tested in self.differing[:LISTED]
            ],
        }


def drift_of(live: Sequence[Trade], tested: Sequence[Trade]) -> Drift:
    """Pair the trades that were entered on the same candle and side; each is paired once, the earlier ones first."""
    waiting: dict[tuple[datetime, str], list[Trade]] = defaultdict(list)
    for trade in tested:
        waiting[trade.entered, trade.side].append(trade)
    drift = Drift()
    for trade in live:
        same = waiting[trade.entered, trade.side]
        if same:
            drift.matched.append((trade, same.pop(0)))
        else:
            drift.extra.append(trade)
    drift.missing.extend(sorted((trade for left in waiting.values() for trade in left), key=lambda t: t.entered))
    return drift


def _row(trade: Trade) -> dict[str, object]:
    return {
        "entered": _time(trade.entered),
        "side": trade.side,
        "quantity": _plain(trade.quantity),
        "entry_price": _plain(trade.entry_price),
        "closed_at": None if trade.closed_at is None else _time(trade.closed_at),
        "pnl": _plain(trade.pnl),
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
