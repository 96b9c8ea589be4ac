"""Signals in the console."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from apps.common.console import FactAdmin, amount, relative_time, status_badge
from apps.common.console.figures import side_badge
from apps.strategies.models import Signal
from apps.strategies.selectors import signals_of


@admin.register(Signal)
class SignalAdmin(FactAdmin):
    """What strategies said, and what became of it."""

    visible = staticmethod(signals_of)
    list_display = ["time", "strategy", "instrument", "action_shown", "sure", "price_shown", "reason", "state"]
    list_filter = ["outcome", "source", "action", "strategy"]
    search_fields = ["strategy__name", "reason"]
    empty_hint = "A strategy gives a signal when its rule asks for a trade: enable one and let candles arrive."

    @display(description="Market time (UTC)", ordering="at")
    def time(self, signal: Signal) -> object:
        return relative_time(signal.at)

    @display(description="Instrument", ordering="strategy__instrument__symbol")
    def instrument(self, signal: Signal) -> str:
        return signal.strategy.instrument.symbol

    @display(description="Action", ordering="action")
    def action_shown(self, signal: Signal) -> object:
        return side_badge(signal.action)

    @display(description="Confidence", formatting="price", ordering="confidence")
    def sure(self, signal: Signal) -> str:
        return f"{signal.confidence:.2f}"

    @display(description="Price", formatting="price", ordering="price")
    def price_shown(self, signal: Signal) -> str:
        return amount(signal.price, signal.strategy.instrument.price_decimals)

    @display(description="Outcome", ordering="outcome")
    def state(self, signal: Signal) -> object:
        return status_badge(signal.outcome, signal.get_outcome_display())
