"""What was traded."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from algotrendy.trading.values import Side
from apps.brokers.models import BrokerConnection
from apps.common.fields import AmountField
from apps.common.models import PublicModel, choices_of
from apps.marketdata.models import Feed
from apps.portfolio.models import Position

from .orders import Order


class Fill(PublicModel):
    """A trade at the venue, applied to the order, the position and the cash exactly once."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="fills")
    connection = models.ForeignKey(BrokerConnection, on_delete=models.PROTECT, related_name="+")
    position = models.ForeignKey(Position, on_delete=models.SET_NULL, null=True, related_name="fills")
    exchange_trade_id = models.CharField(max_length=100)
    side = models.CharField(max_length=4, choices=choices_of(Side))
    price = AmountField()
    quantity = AmountField()
    quote_quantity = AmountField(help_text="Value in the quote currency.")
    fee = AmountField()
    fee_currency = models.CharField(max_length=10)
    venue_fee = AmountField(null=True, blank=True, help_text="The fee as the venue charged it, in another currency.")
    venue_fee_currency = models.CharField(max_length=10, blank=True)
    is_inferred = models.BooleanField(
        default=False, help_text="Made from the order's state at the venue, which listed no execution."
    )
    realized_pnl = AmountField(default=Decimal(0), help_text="Of the quantity it closed, before fees.")
    executed_at = models.DateTimeField(help_text="Market time.")

    class Meta:
        ordering = ["-executed_at", "-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "exchange_trade_id"], name="fill_once_per_exchange_trade"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} at {self.price}"


class SeriesCursor(models.Model):
    """How far a feed's candles have been traded: what makes each candle count exactly once."""

    feed = models.OneToOneField(Feed, on_delete=models.CASCADE, related_name="cursor")
    traded_through = models.DateTimeField(null=True, blank=True, help_text="Open time of the last traded candle.")

    def __str__(self) -> str:
        return f"{self.feed_id} through {self.traded_through}"


class LaggingAccount(models.Model):
    """An account that stays behind a feed, because a candle could not be applied to it: its orders wait there."""

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="lagging_accounts")
    connection = models.ForeignKey(BrokerConnection, on_delete=models.CASCADE, related_name="lagging_accounts")
    traded_through = models.DateTimeField(
        null=True, blank=True, help_text="Open time of the last candle that was applied."
    )
    error = models.CharField(max_length=500)
    attempts = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField("last tried")

    class Meta:
        ordering = ["-failed_at"]
        constraints = [
            models.UniqueConstraint(fields=["feed", "connection"], name="one_lag_of_an_account_behind_a_feed")
        ]

    def __str__(self) -> str:
        return f"{self.connection} behind {self.feed}"
