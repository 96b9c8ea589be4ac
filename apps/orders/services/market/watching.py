"""What every price sets off, be it a finished candle's or that of a moment within one.

Positions are marked and shorts pay their funding. Then, real portfolios only: orders that wait for their price are
triggered, and positions closed whose stop, target or margin the price has reached. Only the newest price matters, and
seeing one twice changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import structlog
from django.db.models import Exists, OuterRef, QuerySet

from algotrendy.trading.candles import Bar
from apps.common.jobs import enqueue_once, task_begins
from apps.marketdata import forming
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import latest_candle
from apps.orders.models import Order
from apps.orders.services.holdings.margins import margin_watch, positions_liquidate
from apps.orders.services.holdings.rescuing import positions_rescue, protection_watch
from apps.orders.services.market.emulating import AWAITED, Seen, orders_trigger
from apps.orders.services.market.lagging import lagging_alerts
from apps.portfolio.models import Position
from apps.portfolio.selectors import LIVE, Scope
from apps.portfolio.services import funding_charge, positions_mark

log = structlog.get_logger(__name__)
SECONDS_WAITED = 5
"""How long a task that was asked for holds back others for its instrument; a lost one holds them back no longer."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A price, and the market time at which it was made."""

    price: Decimal
    at: datetime

    @property
    def seen(self) -> Seen:
        return Seen(price=self.price, at=self.at, low=self.price, high=self.price, since=self.at)


def seen_in(bar: Bar) -> Seen:
    """Return a finished candle as what was seen of the price."""
    return Seen(price=bar.close, at=bar.close_time, low=bar.low, high=bar.high, since=bar.open_time)


def price_seen(*, instrument: Instrument, seen: Seen, scope: Scope = LIVE, is_current: bool = True) -> list[Position]:
    """Let everything that hangs on the instrument's price see it; return the marked positions.

    On a price that is not of now (`is_current`) nothing is sent: a candle that came too late marks and charges.
    """
    marked = positions_mark(instrument=instrument, price=seen.price, scope=scope)
    if any(position.quantity < 0 for position in marked):
        funding_charge(instrument=instrument, price=seen.price, at=seen.at, scope=scope)
    if scope.portfolio_id is None and is_current:
        orders_trigger(instrument=instrument, seen=seen)
        positions_rescue(positions=marked, seen=seen)
        positions_liquidate(positions=marked, seen=seen)
    return marked


def watch_request(*, symbol: str) -> None:
    """Ask a worker to look at an instrument's newest price; where none does, the recurring look finds it."""
    enqueue_once("orders.watch_price", symbol, expires=SECONDS_WAITED, hold=SECONDS_WAITED)


def price_watch(*, symbol: str) -> bool:
    """Look at an instrument's newest price; return whether there was one that somebody waits for."""
    task_begins("orders.watch_price", symbol)
    instrument = _watched().filter(symbol=symbol).first()
    tick = None if instrument is None else newest_price(instrument)
    if instrument is None or tick is None:
        return False
    price_seen(instrument=instrument, seen=tick.seen)
    return True


def prices_watch() -> int:
    """Look at the newest price of everything that is held or waited for, and at all margins; return how many."""
    count = 0
    for instrument in _watched().order_by("symbol"):
        tick = newest_price(instrument)
        if tick is not None:
            price_seen(instrument=instrument, seen=tick.seen)
            count += 1
    margin_watch()
    protection_watch()
    lagging_alerts()
    return count


def newest_price(instrument: Instrument) -> Tick | None:
    """Return the price of the candle that is not finished, else the close of the last one that is."""
    candle = latest_candle(instrument)
    figures = forming.read(instrument.symbol)
    if figures is not None:
        try:
            opened, at = datetime.fromisoformat(figures["time"]), datetime.fromisoformat(figures["at"])
            if candle is None or opened >= candle.open_time:
                return Tick(Decimal(figures["close"]), at)
        except (KeyError, ValueError, ArithmeticError, json.JSONDecodeError):
            log.warning("forming_candle_unreadable", symbol=instrument.symbol)
    return None if candle is None else Tick(candle.close, candle.close_time)


def _watched() -> QuerySet[Instrument]:
    held = Position.objects.filter(instrument=OuterRef("pk"), closed_at__isnull=True, portfolio__is_simulation=False)
    waiting = Order.objects.filter(AWAITED, instrument=OuterRef("pk"), portfolio__is_simulation=False)
    return Instrument.objects.filter(Exists(held) | Exists(waiting))
