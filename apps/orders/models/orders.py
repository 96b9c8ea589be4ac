"""Orders, and everything that happened to them."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import OrderType, Side, TimeInForce
from apps.common.fields import AmountField
from apps.common.models import PublicModel, choices_of
from apps.marketdata.models import Instrument
from apps.portfolio.models import MANUAL_BOOK, Portfolio
from apps.strategies.models import Signal, Strategy

validate_client_order_id = RegexValidator(r"^[A-Za-z0-9_-]{1,100}$", "1 to 100 of A-Z, a-z, 0-9, - and _.")


class OrderRole(models.TextChoices):
    """What an order is for."""

    MANUAL = "manual", "Manual"
    ENTRY = "entry", "Entry"
    EXIT = "exit", "Exit"
    FLIP = "flip", "Flip"
    STOP_LOSS = "stop_loss", "Stop loss"
    TAKE_PROFIT = "take_profit", "Take profit"
    FLATTEN = "flatten", "Flatten"
    LIQUIDATION = "liquidation", "Liquidation"
    EXTERNAL = "external", "External"


class OrderClass(models.TextChoices):
    """How an order belongs with others."""

    SIMPLE = "simple", "Simple"
    BRACKET = "bracket", "Bracket"
    OCO = "oco", "One cancels the other"
    OTO = "oto", "One triggers the other"


class Order(PublicModel):
    """An intent to trade: committed before it is sent, and followed until it is finished.

    Protective orders name the entry they guard in `parent`, as does an order that waits (`held`) for another's fill;
    `replaces` is the order in whose place this one comes, once the venue has confirmed the end of that one.
    `active_from` is the market time from which a candle may fill the order: never one that had opened before the order
    existed.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="orders")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    strategy = models.ForeignKey(Strategy, on_delete=models.SET_NULL, null=True, blank=True, related_name="orders")
    signal = models.OneToOneField(Signal, on_delete=models.SET_NULL, null=True, blank=True, related_name="order")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="legs")
    book = models.CharField(max_length=64, default=MANUAL_BOOK)
    role = models.CharField(max_length=16, choices=OrderRole.choices, default=OrderRole.MANUAL)
    client_order_id = models.CharField(max_length=100, validators=[validate_client_order_id])
    exchange_order_id = models.CharField(max_length=100, blank=True)
    side = models.CharField(max_length=4, choices=choices_of(Side))
    type = models.CharField(max_length=16, choices=choices_of(OrderType))
    status = models.CharField(max_length=16, choices=choices_of(OrderStatus), default=OrderStatus.PENDING)
    time_in_force = models.CharField(max_length=3, choices=choices_of(TimeInForce), default=TimeInForce.GTC)
    quantity = AmountField()
    filled_quantity = AmountField(default=Decimal(0))
    filled_value = AmountField(default=Decimal(0), help_text="Value of all fills, in the quote currency.")
    limit_price = AmountField(null=True, blank=True)
    stop_price = AmountField(null=True, blank=True)
    average_fill_price = AmountField(null=True, blank=True)
    reference_price = AmountField(help_text="The market's price when the order was made; the risk check used it.")
    notional = AmountField(
        null=True, blank=True, help_text="Asked for in the quote currency; the quantity follows from it."
    )
    trail_amount = AmountField(null=True, blank=True, help_text="How far a trailing stop stays behind, as a price.")
    trail_percent = AmountField(null=True, blank=True, help_text="How far it stays behind, in percent of the price.")
    best_price = AmountField(null=True, blank=True, help_text="The best price that a trailing stop has seen.")
    post_only = models.BooleanField(default=False, help_text="Never takes: refused where it would.")
    reduce_only = models.BooleanField(default=False)
    stop_loss = AmountField(null=True, blank=True, help_text="Where to protect the position that this order opens.")
    take_profit = AmountField(null=True, blank=True)
    fees_paid = AmountField(default=Decimal(0))
    reason_code = models.CharField(max_length=64, blank=True, help_text="Why it was denied, rejected or canceled.")
    reason = models.CharField(max_length=500, blank=True)
    active_from = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    requested_quantity = AmountField(
        null=True, blank=True, help_text="A lower quantity that was asked for and that the venue has yet to confirm."
    )
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=0, help_text="Grows with every event.")
    replaces = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replaced_by"
    )
    order_class = models.CharField(max_length=8, choices=OrderClass.choices, default=OrderClass.SIMPLE)
    unknown_since = models.DateTimeField(
        null=True, blank=True, help_text="When the venue first said that it has never seen it."
    )
    synced_at = models.DateTimeField(null=True, blank=True, help_text="When the venue was last asked about it.")
    oco_group = models.CharField(max_length=100, blank=True, help_text="The first fill cancels the group's others.")
    risk = models.JSONField(default=dict, blank=True, help_text="The figures that the risk check compared.")
    metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "client_order_id"], name="order_once_per_client_order_id"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_quantity_positive"),
            models.CheckConstraint(condition=Q(filled_quantity__lte=F("quantity")), name="order_not_overfilled"),
        ]
        indexes = [
            models.Index(
                fields=["status", "created_at"],
                condition=Q(status__in=["held", "pending", "submitted", "open", "partially_filled"]),
                name="order_working",
            ),
            models.Index(fields=["owner", "-created_at", "-id"], name="order_owner_recent"),
            models.Index(fields=["owner", "status", "-created_at", "-id"], name="order_owner_status_recent"),
            models.Index(fields=["owner", "instrument", "-created_at", "-id"], name="order_owner_symbol_recent"),
            models.Index(fields=["portfolio", "-created_at", "-id"], name="order_portfolio_recent"),
            models.Index(fields=["oco_group"], condition=~Q(oco_group=""), name="order_by_group"),
        ]

    def __str__(self) -> str:
        return self.client_order_id

    @property
    def summary(self) -> str:
        """The order in a line: buy 1.5 BTC/USD, limit."""
        return f"{self.side} {self.quantity.normalize():f} {self.instrument}, {self.type}"

    @property
    def remaining_quantity(self) -> Decimal:
        remaining: Decimal = self.quantity - self.filled_quantity
        return remaining

    @property
    def kept_quantity(self) -> Decimal:
        """What remains once the venue has confirmed the lower quantity that was asked for."""
        kept: Decimal = self.quantity if self.requested_quantity is None else self.requested_quantity
        left: Decimal = kept - self.filled_quantity
        return max(left, Decimal(0))


class OrderEvent(models.Model):
    """One step of an order: what changed its state, and what was known then. Never edited."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events")
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=32)
    from_status = models.CharField(max_length=16, blank=True)
    to_status = models.CharField(max_length=16)
    detail = models.JSONField(default=dict, blank=True)
    correlation_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["order", "version"]
        constraints = [
            models.UniqueConstraint(fields=["order", "version"], name="order_event_once_per_version"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.from_status or 'nothing'} to {self.to_status}"
