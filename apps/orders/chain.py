"""An order's whole story: signal, risk decision, events, fills, position."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from apps.common.console.figures import amount, money, side_badge, status_badge
from apps.orders.models import Fill, Order, OrderEvent
from apps.orders.selectors import linked_orders
from apps.portfolio.models import Position

TONES = {"denied": "down", "rejected": "down", "filled": "up", "partially_filled": "up", "canceled": "flat"}
ICONS = {"placed": "edit_note", "filled": "check_circle", "canceled": "cancel", "expired": "timer_off"}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the story."""

    icon: str
    title: str
    text: str
    at: datetime | None = None
    tone: str = "flat"
    url: str = ""


def chain_of(order: Order) -> list[Step]:
    """Return the order's story from the signal that asked for it to the position that it moved."""
    fills = {fill.exchange_trade_id: fill for fill in order.fills.select_related("position__instrument")}
    events = list(order.events.all())
    steps = [_signal(order), _risk(order)] if events else [_signal(order)]
    steps += [_event(event, fills, order) for event in events]
    steps += [_position(position) for position in _positions(fills)]
    return [step for step in steps if step is not None]


def _signal(order: Order) -> Step | None:
    signal = order.signal
    if signal is None:
        return None if order.role != "manual" else Step("person", "Placed by hand", f"by {order.owner}")
    text = f"{signal.get_action_display()}, confidence {signal.confidence:.2f}: {signal.reason}"
    url = reverse("admin:strategies_signal_change", args=[signal.pk])
    return Step("bolt", f"Signal of {order.strategy or 'a strategy'}", text, signal.at, "info", url)


def _risk(order: Order) -> Step:
    figures: dict[str, Any] = order.risk or {}
    compared = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
    if order.status == "denied":
        return Step(
            "gpp_bad", "Denied by the risk check", "; ".join(filter(None, [order.reason, compared])), tone="down"
        )
    return Step("verified_user", "Passed the risk check", compared or "Within the portfolio's limits.", tone="up")


def _event(event: OrderEvent, fills: dict[str, Fill], order: Order) -> Step:
    status = event.to_status.replace("_", " ")
    title = f"{event.kind.replace('_', ' ').capitalize()}"
    text = f"now {status}" if event.from_status != event.to_status else f"still {status}"
    detail = event.detail if isinstance(event.detail, dict) else {}
    fill = fills.get(str(detail.get("trade_id", "")))
    if fill is not None:
        instrument = order.instrument
        quantity = amount(fill.quantity, instrument.quantity_decimals)
        price = amount(fill.price, instrument.price_decimals)
        text = f"{quantity} at {price}, fee {amount(fill.fee, 4)} {fill.fee_currency}; {text}"
    elif event.to_status in ("denied", "rejected", "canceled", "expired") and order.reason:
        text = f"{text}: {order.reason}"
    return Step(ICONS.get(event.kind, "arrow_forward"), title, text, event.at, TONES.get(event.to_status, "flat"))


def _positions(fills: dict[str, Fill]) -> list[Position]:
    return list({fill.position.pk: fill.position for fill in fills.values() if fill.position}.values())


def _position(position: Position) -> Step:
    instrument = position.instrument
    if position.closed_at is not None:
        text = f"{position.side} {instrument}, closed; realized {money(position.realized_pnl)}"
    else:
        size = amount(abs(position.quantity), instrument.quantity_decimals)
        entry = amount(position.entry_price, instrument.price_decimals)
        text = f"{position.side} {size} {instrument} entered at {entry}"
    url = reverse("admin:portfolio_position_change", args=[position.pk])
    return Step("account_balance_wallet", "Position", text, url=url, tone="info")


@dataclass(frozen=True, slots=True)
class Link:
    """A linked order as a line of the panel."""

    how: str
    order: Order

    @property
    def reference(self) -> str:
        return str(self.order.pk)[:8]

    @property
    def url(self) -> str:
        return reverse("admin:orders_order_change", args=[self.order.pk])

    @property
    def side(self) -> str:
        return side_badge(self.order.side)

    @property
    def state(self) -> str:
        return status_badge(self.order.status, self.order.get_status_display())

    @property
    def quantity(self) -> str:
        return amount(self.order.quantity, self.order.instrument.quantity_decimals)

    @property
    def price(self) -> str:
        price = self.order.limit_price or self.order.stop_price or self.order.trail_amount
        if self.order.trail_percent is not None:
            return f"{self.order.trail_percent.normalize():f} %"
        return "Market" if price is None else amount(price, self.order.instrument.price_decimals)


def links_of(order: Order) -> list[Link]:
    """Return the order's links for its page."""
    return [Link(how, other) for how, other in linked_orders(order)]
