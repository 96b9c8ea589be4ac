"""Signals that wait for approval, with the dialogs that decide them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action
from unfold.enums import ActionVariant

from algotrendy.trading.errors import TradingError
from apps.common.console import ConfirmForm, act, amount
from apps.orders.services.entry.placing import market_of
from apps.orders.services.signals.approving import signal_approve, signal_decline
from apps.orders.services.signals.executing import signal_plan
from apps.strategies.admin.signals import SignalAdmin
from apps.strategies.models import Signal, SignalOutcome
from apps.strategies.selectors import awaiting_signals_of, signals_of

LIST = "admin:strategies_signal_changelist"


class DecisionForm(ConfirmForm):
    """A dialog about a signal that waits, or says that it does not."""

    def rows(self) -> QuerySet[Signal]:
        return signals_of(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        signal: Signal = self.row
        instrument = signal.strategy.instrument
        if signal.outcome != SignalOutcome.AWAITING:
            self.may_submit = False
            self.consequence = f"The signal does not wait: it is {signal.get_outcome_display().lower()}."
        elif _minutes_left(signal) < 0:
            self.may_submit, self.consequence = False, "The signal has lapsed."
        else:
            self.foresee()
        return [
            ("Strategy", signal.strategy.name),
            ("Signal", f"{signal.get_action_display()} {instrument}"),
            ("Price then", amount(signal.price, instrument.price_decimals)),
            ("Because", signal.reason),
        ]

    def foresee(self) -> None:
        """Say what deciding so will do."""
        raise NotImplementedError


class ApproveForm(DecisionForm):
    def foresee(self) -> None:
        """Say what would be traded at the present price."""
        signal: Signal = self.row
        strategy, instrument = signal.strategy, signal.strategy.instrument
        try:
            market = market_of(instrument)
            intent = signal_plan(signal=signal, portfolio=strategy.portfolio, market=market).intent
        except TradingError as error:
            self.may_submit, self.consequence = False, f"It would trade nothing. {error.message}"
            return
        size = amount(intent.quantity, instrument.quantity_decimals)
        worth = amount(instrument.spec.notional(market.price, intent.quantity), 2)
        left = _minutes_left(signal)
        self.consequence = (
            f"{intent.side.capitalize()} about {size} {instrument} at market, worth {worth} "
            f"{instrument.quote_currency}, of strategy {strategy}; lapses in {left} minute{'' if left == 1 else 's'}."
        )


class DeclineForm(DecisionForm):
    def foresee(self) -> None:
        self.consequence = f"Nothing is traded; {self.row.strategy} goes on with its next signal."


admin.site.unregister(Signal)


@admin.register(Signal)
class DecidableSignalAdmin(SignalAdmin):
    """Signals, each with the decision that it waits for."""

    actions_row = ["approve_signal", "decline_signal"]
    actions_detail = ["approve_signal", "decline_signal"]

    def has_decide_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("strategies.change_signal")

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        """Offer the decision only while it is waited for."""
        waits = awaiting_signals_of(request.user).filter(pk=object_id).exists()
        return super().get_actions_detail(request, object_id) if waits else []

    @action(
        description="Approve",
        icon="check",
        variant=ActionVariant.PRIMARY,
        permissions=["decide"],
        dialog={
            "title": "Let this signal trade?",
            "form_class": ApproveForm,
            "form_submit_text": "Approve",
            "dismiss_text": "Not now",
        },
    )
    def approve_signal(self, request: HttpRequest, form: ApproveForm, object_id: str) -> HttpResponse:
        found: list[Signal] = []
        return act(
            request,
            lambda: found.append(signal_approve(signal=form.row, actor=request.user)),
            done=lambda: told(found[0]),
            back=reverse(LIST),
        )

    @action(
        description="Decline",
        icon="close",
        variant=ActionVariant.WARNING,
        permissions=["decide"],
        dialog={
            "title": "Decline this signal?",
            "form_class": DeclineForm,
            "form_submit_text": "Decline",
            "dismiss_text": "Let it wait",
        },
    )
    def decline_signal(self, request: HttpRequest, form: DeclineForm, object_id: str) -> HttpResponse:
        signal: Signal = form.row
        return act(
            request,
            lambda: signal_decline(signal=signal, actor=request.user),
            done=f"The signal of {signal.strategy} is declined.",
            back=reverse(LIST),
        )


def told(signal: Signal) -> str:
    """Return what came of an approval."""
    if signal.outcome == SignalOutcome.ORDERED:
        return f"Approved: {signal.strategy} has ordered."
    return f"Approved, and {signal.get_outcome_display().lower()}: {signal.outcome_reason}"


def _minutes_left(signal: Signal) -> int:
    if signal.expires_at is None:
        return 0
    return int((signal.expires_at - timezone.now()).total_seconds() // 60)
