"""What happened last: signals, fills, and orders that were refused; newest first by when the platform saw it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from algotrendy.trading.orders import OrderStatus
from apps.accounts.models import User
from apps.common.console.figures import amount
from apps.orders.models import Fill, Order
from apps.orders.selectors import fills_of, orders_of
from apps.portfolio.models import Portfolio
from apps.strategies.models import Signal
from apps.strategies.selectors import signals_of

LENGTH = 20
REFUSED = (OrderStatus.DENIED, OrderStatus.REJECTED)
type Entry = dict[str, Any]


def activity(user: User, portfolio: Portfolio) -> list[Entry]:
    """Return the newest entries, each with an icon, a tone, a sentence, a time and a link."""
    signals = signals_of(user).filter(strategy__portfolio=portfolio).order_by("-created_at")[:LENGTH]
    fills = fills_of(user).filter(order__portfolio=portfolio).order_by("-created_at")[:LENGTH]
    refused = orders_of(user).filter(portfolio=portfolio, status__in=REFUSED).order_by("-created_at")[:LENGTH]
    entries = [*map(_signal, signals), *map(_fill, fills), *map(_refusal, refused)]
    return sorted(entries, key=lambda entry: entry["at"], reverse=True)[:LENGTH]


def _signal(signal: Signal) -> Entry:
    strategy = signal.strategy
    text = f"{strategy.name}: {signal.get_action_display().lower()} signal, {strategy.instrument} {strategy.timeframe}"
    return _entry("bolt", "flat", text, signal.created_at, signal.at, "strategies_signal", signal.pk)


def _fill(fill: Fill) -> Entry:
    instrument = fill.order.instrument
    quantity = amount(fill.quantity, instrument.quantity_decimals)
    price = amount(fill.price, instrument.price_decimals)
    partly = "" if fill.order.filled_quantity >= fill.order.quantity else ", partly"
    text = f"{fill.get_side_display()} {quantity} {instrument} filled at {price}{partly}"
    return _entry("check_circle", "up", text, fill.created_at, fill.executed_at, "orders_order", fill.order_id)


def _refusal(order: Order) -> Entry:
    text = f"Order {order.get_status_display().lower()}: {order.reason or order.reason_code}"
    return _entry("gpp_bad", "down", text, order.created_at, order.active_from, "orders_order", order.pk)


def _entry(icon: str, tone: str, text: str, at: datetime, market_time: datetime, page: str, pk: object) -> Entry:
    return {
        "icon": icon,
        "tone": tone,
        "text": text,
        "at": at.isoformat(),
        "market_time": market_time.isoformat(),
        "url": reverse(f"admin:{page}_change", args=[pk]),
    }
