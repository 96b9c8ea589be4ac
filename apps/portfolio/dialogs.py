"""What halting and ending a halt do, said before it is done."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from algotrendy.trading.risk import TradingMode
from apps.common.console import ConfirmForm, money, relative_time
from apps.portfolio.halting import halts_of
from apps.portfolio.models import HaltCause, Portfolio, TradingHalt
from apps.portfolio.selectors import open_positions, portfolios_of

MODES = [
    (TradingMode.HALTED.value, "Halted: nothing is traded"),
    (TradingMode.REDUCING.value, "Reducing: only what makes positions smaller is traded"),
]


class HaltForm(ConfirmForm):
    """Ask how far a portfolio is to be halted, and why."""

    mode = forms.ChoiceField(choices=MODES, widget=UnfoldAdminSelectWidget())
    reason = forms.CharField(max_length=500, widget=UnfoldAdminTextInputWidget())
    flatten = forms.BooleanField(
        required=False,
        label="Flatten",
        help_text="Cancel its orders and close its positions at the market.",
        widget=UnfoldBooleanWidget(),
    )
    consequence = "What is queued is not sent any more. Cancels and fills go on, and protection that rests stays."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The page behind the dialog may have fields of the same names.
        super().__init__(*args, **{**kwargs, "auto_id": "halt_%s"})

    def rows(self) -> QuerySet[Portfolio]:
        return portfolios_of(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        portfolio: Portfolio = self.row
        if portfolio.is_simulation:
            self.may_submit, self.consequence = False, "This is a replay of history, which nothing halts."
        held = open_positions(portfolio)
        return [
            ("Portfolio", portfolio.name),
            ("Cash", f"{money(portfolio.cash)} {portfolio.base_currency}"),
            ("Open positions", str(len(held))),
        ]


class EndHaltForm(ConfirmForm):
    """Ask before trading goes on."""

    def rows(self) -> QuerySet[TradingHalt]:
        return halts_of(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        halt: TradingHalt = self.row
        self.consequence = "Trading goes on, as far as no other halt covers it."
        if halt.ended_at is not None:
            self.may_submit, self.consequence = False, "This halt is over already."
        elif halt.cause == HaltCause.DRAWDOWN:
            self.consequence += " From now on the drawdown is measured from the equity as it is."
        elif halt.cause == HaltCause.DAILY_LOSS:
            self.consequence += " For the rest of the day the loss is measured from the equity as it is."
        where = str(halt.portfolio) if halt.portfolio else "Everything"
        return [
            ("Covers", f"{where}, {halt.book}" if halt.book else where),
            ("Mode", halt.get_mode_display()),
            ("Because", halt.reason),
            ("Since", relative_time(halt.created_at)),
        ]
