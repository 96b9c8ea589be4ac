"""Money, what it is in, and how it went."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models

from apps.brokers.models import BrokerConnection
from apps.common.fields import AmountField, PercentField
from apps.common.models import PublicModel

MANUAL_BOOK = "manual"


class Portfolio(PublicModel):
    """An owner's money at one connection, in one currency.

    `is_simulation` marks the private copy that a historical replay trades; live candles never touch it.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="portfolios")
    name = models.CharField(max_length=100)
    connection = models.ForeignKey(BrokerConnection, on_delete=models.PROTECT, related_name="portfolios")
    base_currency = models.CharField(max_length=10, default="USD")
    initial_cash = AmountField(default=Decimal(10_000))
    cash = AmountField(default=Decimal(10_000))
    realized_pnl = AmountField(default=Decimal(0), help_text="Of all closed quantity, before fees.")
    fees_paid = AmountField(default=Decimal(0))
    peak_equity = AmountField(default=Decimal(10_000))
    day = models.DateField(null=True, blank=True, help_text="The UTC day of market time that `day_equity` began.")
    day_equity = AmountField(null=True, blank=True, help_text="What it was worth when that day began.")
    funding_paid = AmountField(default=Decimal(0), help_text="For short positions, over all time.")
    is_simulation = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="portfolio_name_once_per_owner"),
        ]

    def __str__(self) -> str:
        return self.name


class EquitySnapshot(models.Model):
    """A portfolio's worth at a market time."""

    id = models.BigAutoField(primary_key=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="equity")
    at = models.DateTimeField()
    equity = AmountField()
    cash = AmountField()
    unrealized_pnl = AmountField()
    drawdown_percent = PercentField(default=Decimal(0), help_text="Below the highest equity so far.")

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "at"], name="equity_once_per_time"),
        ]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.at:%Y-%m-%d %H:%M} {self.equity}"
