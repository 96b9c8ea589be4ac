"""The order ticket: what is to be traded, what that comes to, and why it would be refused, before it is placed."""

from __future__ import annotations

import uuid
from datetime import UTC
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from algotrendy.trading.errors import TradingError
from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import ZERO, OrderType, Side, TimeInForce
from apps.common.console import amount, money
from apps.common.models import choices_of
from apps.marketdata.models import Instrument
from apps.orders.models import validate_client_order_id
from apps.orders.services.entry.placing import order_place
from apps.orders.services.entry.previewing import Preview, order_preview
from apps.portfolio.models import Portfolio
from apps.portfolio.selectors import portfolios_of

QUANTITY, VALUE = "quantity", "value"
BY_AMOUNT, BY_PERCENT = "amount", "percent"
TYPES = {
    "limit_price": (OrderType.LIMIT, OrderType.STOP_LIMIT),
    "stop_price": (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT),
    "trail": (OrderType.TRAILING_STOP,),
    "trail_by": (OrderType.TRAILING_STOP,),
    "post_only": (OrderType.LIMIT,),
}
"""The fields that only some types of order have."""
LASTS = {
    TimeInForce.GTC: "until it is filled or canceled",
    TimeInForce.IOC: "what fills at once",
    TimeInForce.FOK: "only if all of it fills at once",
    TimeInForce.DAY: "until the end of the day (UTC)",
    TimeInForce.GTD: "until the time given",
}

LASTING = [(lasts.value, f"{lasts.upper()}, {words}") for lasts, words in LASTS.items()]


def figure(label: str, **more: Any) -> forms.DecimalField:
    """Return a field for a price or an amount."""
    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"})
    options = {"min_value": Decimal(0), "max_digits": 28, "decimal_places": 8, "required": False, **more}
    return forms.DecimalField(label=label, widget=widget, **options)


def select(choices: list[tuple[str, str]], label: str, initial: str) -> forms.ChoiceField:
    return forms.ChoiceField(choices=choices, label=label, initial=initial, widget=UnfoldAdminSelectWidget)


class TicketForm(BaseDialogForm):
    """Ask for an order; each ticket carries an id of its own, so that sent twice it places one order."""

    layout = "console/order_ticket.html"
    may_submit = True

    portfolio = forms.ModelChoiceField(Portfolio.objects.none(), empty_label=None, widget=UnfoldAdminSelectWidget)
    instrument = forms.ModelChoiceField(Instrument.objects.none(), empty_label=None, widget=UnfoldAdminSelectWidget)
    side = forms.ChoiceField(choices=choices_of(Side), initial=Side.BUY.value, widget=forms.RadioSelect)
    type = select(choices_of(OrderType), "Type", OrderType.MARKET.value)
    size_by = select([(QUANTITY, "Quantity"), (VALUE, "Value")], "Size by", QUANTITY)
    size = figure("Size", required=True)
    limit_price = figure("Limit price")
    stop_price = figure("Stop price")
    trail = figure("Trails by")
    trail_by = select([(BY_PERCENT, "Percent"), (BY_AMOUNT, "Price")], "Trail in", BY_PERCENT)
    time_in_force = select(LASTING, "Time in force", TimeInForce.GTC.value)
    expires_at = forms.DateTimeField(
        label="Expires at (UTC)", required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2026-12-31 18:00", "autocomplete": "off"}),
    )  # fmt: skip
    stop_loss = figure("Stop loss")
    take_profit = figure("Take profit")
    post_only = forms.BooleanField(label="Post only", required=False, widget=UnfoldBooleanSwitchWidget)
    reduce_only = forms.BooleanField(label="Reduce only", required=False, widget=UnfoldBooleanSwitchWidget)
    client_order_id = forms.CharField(widget=forms.HiddenInput, validators=[validate_client_order_id])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = portfolios_of(self.request.user).filter(is_simulation=False)
        self.fields["portfolio"].queryset = mine
        self.fields["instrument"].queryset = Instrument.objects.filter(is_active=True)
        self.fields["client_order_id"].initial = f"ticket-{uuid.uuid4().hex}"
        self.preview: Preview | None = None
        self.consequence = ""
        self.facts_shown: list[tuple[str, str]] = []
        if not mine.exists():
            self.may_submit, self.consequence = False, "Make a portfolio first: an order is placed in one."

    @property
    def only_asks(self) -> bool:
        """Whether the page only wants to know what the order would come to."""
        return "ask" in self.data

    def is_valid(self) -> bool:
        return super().is_valid() and not self.only_asks

    def clean(self) -> dict[str, Any]:
        """Work out what the order would come to; what would be refused is said here, and nothing typed is lost."""
        asked: dict[str, Any] = super().clean() or self.cleaned_data
        self._require(asked)
        if self.errors:
            return asked
        portfolio, instrument = asked["portfolio"], asked["instrument"]
        try:
            self.preview = order_preview(portfolio=portfolio, instrument=instrument, intent=self.intent())
        except TradingError as error:
            raise ValidationError(error.message, code=error.code) from error
        self._describe(self.preview, portfolio, instrument)
        if self.preview.refusal is not None:
            raise ValidationError(self.preview.refusal.message, code=self.preview.refusal.code)
        return asked

    def intent(self) -> OrderIntent:
        """Return what is asked for; a field that the type does not show is left out."""
        asked = self.cleaned_data
        kind, size = OrderType(asked["type"]), asked["size"]
        shown = {name: asked.get(name) if kind in types else None for name, types in TYPES.items()}
        by_value, by_percent = asked["size_by"] == VALUE, shown["trail_by"] == BY_PERCENT
        lasts, expires_at = TimeInForce(asked["time_in_force"]), asked.get("expires_at")
        return OrderIntent(
            side=Side(asked["side"]),
            type=kind,
            quantity=ZERO if by_value else size,
            notional=size if by_value else None,
            limit_price=shown["limit_price"],
            stop_price=shown["stop_price"],
            trail_percent=shown["trail"] if by_percent else None,
            trail_amount=None if by_percent else shown["trail"],
            time_in_force=lasts,
            expires_at=expires_at.replace(tzinfo=UTC) if lasts is TimeInForce.GTD and expires_at else None,
            post_only=bool(shown["post_only"]),
            reduce_only=asked["reduce_only"],
            stop_loss=None if asked["reduce_only"] else asked["stop_loss"],
            take_profit=None if asked["reduce_only"] else asked["take_profit"],
        )

    def place(self) -> None:
        order_place(
            portfolio=self.cleaned_data["portfolio"],
            instrument=self.cleaned_data["instrument"],
            intent=self.intent(),
            actor=self.request.user,
            client_order_id=self.cleaned_data["client_order_id"],
        )

    def _require(self, asked: dict[str, Any]) -> None:
        """Say at the field which figure the type needs."""
        kind = OrderType(asked["type"]) if asked.get("type") else None
        for name in ("limit_price", "stop_price", "trail"):
            if kind in TYPES[name] and asked.get(name) is None and name not in self.errors:
                self.add_error(name, "This type of order needs it.")
        if asked.get("time_in_force") == TimeInForce.GTD and not asked.get("expires_at") and not self.errors:
            self.add_error("expires_at", "Say until when.")

    def _describe(self, preview: Preview, portfolio: Portfolio, instrument: Instrument) -> None:
        currency, decimals = portfolio.base_currency, instrument.quantity_decimals
        profile = portfolio.risk_profile
        self.consequence = said(preview.intent, instrument)
        self.facts_shown = [
            ("Last price", amount(preview.market_price, instrument.price_decimals)),
            ("Worth about", f"{money(preview.value)} {currency}"),
            ("Position", f"{amount(preview.held, decimals)} → {amount(preview.held_after, decimals)}"),
            (
                "A position may be worth",
                f"{money(preview.equity * profile.max_position_size_percent / 100)} {currency}",
            ),
        ]


def said(intent: OrderIntent, instrument: Instrument) -> str:
    """Return the order in a sentence: "Buy 2.7540 BTC/USDT at 95.00 or better, until it is filled or canceled."."""
    verb = "Buy" if intent.side is Side.BUY else "Sell"
    prices = {
        name: amount(getattr(intent, name), instrument.price_decimals)
        for name in ("limit_price", "stop_price", "trail_amount", "stop_loss", "take_profit")
    }
    trail = f"{intent.trail_percent.normalize():f} %" if intent.trail_percent is not None else prices["trail_amount"]
    how = {
        OrderType.MARKET: "at the market",
        OrderType.LIMIT: f"at {prices['limit_price']} or better",
        OrderType.STOP: f"at the market once {prices['stop_price']} is reached",
        OrderType.STOP_LIMIT: f"at {prices['limit_price']} or better once {prices['stop_price']} is reached",
        OrderType.TAKE_PROFIT: f"at the market once {prices['stop_price']} is reached",
        OrderType.TRAILING_STOP: f"at the market once the price turns by {trail}",
    }[intent.type]
    guards = [
        f"{name} {prices[field]}"
        for name, field in (("stop", "stop_loss"), ("target", "take_profit"))
        if getattr(intent, field) is not None
    ]
    protected = f", protected by {' and '.join(guards)}" if guards else ""
    quantity = amount(intent.quantity, instrument.quantity_decimals)
    lasts = "" if intent.type is OrderType.MARKET else f", {LASTS[intent.time_in_force]}"
    return f"{verb} {quantity} {instrument} {how}{lasts}{protected}."
