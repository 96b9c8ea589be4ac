"""The book of the paper venue: its truth, which outlives every process."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q

from algotrendy.trading.values import OrderType, Side, TimeInForce
from apps.common.fields import AmountField
from apps.common.models import choices_of
from apps.marketdata.models import Instrument

from .connections import BrokerConnection


class PaperOrderStatus(models.TextChoices):
    OPEN = "open", "Open"
    FILLED = "filled", "Filled"
    CANCELED = "canceled", "Canceled"
    EXPIRED = "expired", "Expired"


class PaperOrder(models.Model):
    """An order as the paper venue knows it; the platform's own order is `orders.Order`."""

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(BrokerConnection, on_delete=models.CASCADE, related_name="paper_orders")
    client_order_id = models.CharField(max_length=100)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    side = models.CharField(max_length=4, choices=choices_of(Side))
    type = models.CharField(max_length=16, choices=choices_of(OrderType))
    time_in_force = models.CharField(max_length=3, choices=choices_of(TimeInForce))
    quantity = AmountField()
    filled_quantity = AmountField(default=Decimal(0))
    limit_price = AmountField(null=True, blank=True)
    stop_price = AmountField(null=True, blank=True)
    trail_amount = AmountField(null=True, blank=True)
    trail_percent = AmountField(null=True, blank=True)
    best_price = AmountField(null=True, blank=True, help_text="The best price that a trailing stop has seen.")
    post_only = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    is_triggered = models.BooleanField(default=False)
    oco_group = models.CharField(max_length=100, blank=True, help_text="The first fill cancels the group's others.")
    active_from = models.DateTimeField(help_text="Matched against bars that open at or after this market time.")
    status = models.CharField(max_length=16, choices=PaperOrderStatus.choices, default=PaperOrderStatus.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "client_order_id"], name="paper_order_once_per_client_order_id"
            ),
        ]
        indexes = [
            models.Index(fields=["instrument", "connection"], condition=Q(status="open"), name="paper_order_open"),
        ]

    def __str__(self) -> str:
        return self.client_order_id

    @property
    def remaining_quantity(self) -> Decimal:
        remaining: Decimal = self.quantity - self.filled_quantity
        return remaining


class PaperTrade(models.Model):
    """An execution at the paper venue: its truth, from which the platform's fills are made."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(PaperOrder, on_delete=models.CASCADE, related_name="trades")
    price = AmountField()
    quantity = AmountField()
    fee = AmountField()
    executed_at = models.DateTimeField()
    bar_time = models.DateTimeField(
        null=True, blank=True, help_text="The open time of the candle of whose volume it took a share."
    )

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["bar_time"], condition=Q(bar_time__isnull=False), name="paper_trade_bar"),
        ]

    def __str__(self) -> str:
        return f"{self.order} {self.quantity} at {self.price}"
