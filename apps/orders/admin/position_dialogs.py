"""What closing, protecting and leveraging positions will do, said before it is done."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.db.models import QuerySet
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget

from algotrendy.trading.values import MarginMode
from apps.common.console import ConfirmForm, amount
from apps.common.models import choices_of
from apps.portfolio.models import Position
from apps.portfolio.selectors import positions_of

SHOWN = 6


def price_field(label: str, help_text: str = "", *, required: bool = False) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, help_text=help_text, required=required, min_value=0, max_digits=28, decimal_places=8,
        widget=UnfoldAdminDecimalFieldWidget,
    )  # fmt: skip


def exit_words(position: Position) -> str:
    """Return what closing a position does: "Sell 1.5 BTC/USD"."""
    size = amount(abs(position.quantity), position.instrument.quantity_decimals)
    return f"{'Sell' if position.quantity > 0 else 'Buy'} {size} {position.instrument}"


class PositionForm(ConfirmForm):
    """A dialog about one open position."""

    def rows(self) -> QuerySet[Position]:
        return positions_of(self.request.user).select_related("portfolio__connection", "portfolio__risk_profile")

    def describe(self) -> list[tuple[str, object]]:
        position: Position = self.row
        instrument = position.instrument
        size = amount(abs(position.quantity), instrument.quantity_decimals)
        self.consequence = self.say(position)
        if position.closed_at is not None:
            self.may_submit, self.consequence = False, "The position is closed already."
        return [
            ("Position", f"{position.get_side_display()} {size} {instrument}"),
            ("Entry price", amount(position.entry_price, instrument.price_decimals)),
            ("Mark price", amount(position.mark_price, instrument.price_decimals)),
            ("Unrealized PnL", f"{amount(position.unrealized_pnl, 2)} {position.portfolio.base_currency}"),
        ]

    def say(self, position: Position) -> str:
        """Return the consequence in a sentence."""
        raise NotImplementedError


class CloseForm(PositionForm):
    """Ask before a position is closed by a market order."""

    def say(self, position: Position) -> str:
        return f"{exit_words(position)} at the market, with the next candle."


class ClosePartForm(PositionForm):
    """Ask how much of a position is to be closed."""

    quantity = price_field("Quantity", "What is left stays protected.", required=True)

    def say(self, position: Position) -> str:
        held = amount(abs(position.quantity), position.instrument.quantity_decimals)
        word = "Sell" if position.quantity > 0 else "Buy"
        return f"{word} a part of {held} {position.instrument} at the market, with the next candle."


class ProtectionForm(PositionForm):
    """Ask where a position is to be protected; an empty price takes the order away."""

    stop_loss = price_field("Stop loss", "Empty for none.")
    take_profit = price_field("Take profit", "Empty for none.")
    trail_percent = price_field(
        "Trailing stop, %", "In place of the stop loss: how far it stays behind the best price."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("stop_loss", "take_profit"):
            price = getattr(self.row, name)
            self.fields[name].initial = None if price is None else f"{price.normalize():f}"

    def say(self, position: Position) -> str:
        return "The protective orders are replaced: each new one goes once the venue has ended the old one."

    def changes(self) -> dict[str, Any]:
        """Return what is to be different."""
        asked = self.cleaned_data
        prices = {name: asked[name] for name in ("stop_loss", "take_profit") if asked[name] != getattr(self.row, name)}
        if asked["trail_percent"]:
            prices.pop("stop_loss", None)
            prices["trail_percent"] = asked["trail_percent"]
        return prices


class LeverageForm(PositionForm):
    """Ask how much leverage a position is to have."""

    leverage = forms.DecimalField(
        min_value=1, max_digits=5, decimal_places=2, widget=UnfoldAdminDecimalFieldWidget,
        help_text="Within the limits of the portfolio and of the platform.",
    )  # fmt: skip
    margin_mode = forms.ChoiceField(choices=choices_of(MarginMode), widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["leverage"].initial = f"{self.row.leverage.normalize():f}"
        self.fields["margin_mode"].initial = self.row.margin_mode

    def say(self, position: Position) -> str:
        return (
            "Above 1 the platform closes the position by force at its liquidation price, and the higher the leverage "
            "the nearer to the entry that lies."
        )


class CloseAllForm(ConfirmForm):
    """Ask before every open position of the user's own portfolios is closed, and list the first of them."""

    key = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].initial = f"console-{uuid.uuid4().hex}"

    def rows(self) -> QuerySet[Position]:
        mine = positions_of(self.request.user).filter(portfolio__owner=self.request.user)
        return mine.filter(closed_at__isnull=True, portfolio__is_simulation=False).order_by("-opened_at")

    def describe(self) -> list[tuple[str, object]]:
        rows = list(self.rows())
        if not rows:
            self.may_submit, self.consequence = False, "No position is open."
            return []
        many = "" if len(rows) == 1 else "s"
        self.consequence = (
            f"{len(rows)} position{many} will be closed at the market, with the next candle. Strategies that are "
            "enabled may open new ones."
        )
        facts: list[tuple[str, object]] = [(str(row.portfolio), exit_words(row)) for row in rows[:SHOWN]]
        return [*facts, ("And", f"{len(rows) - SHOWN} more")] if len(rows) > SHOWN else facts
