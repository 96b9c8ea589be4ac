"""What an owner may do at most, and what the platform lets anybody do."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models

from algotrendy.trading.protections import Guards
from algotrendy.trading.risk import RiskCeilings, RiskLimits
from apps.common.fields import AmountField, PercentField
from apps.marketdata.models import Instrument

from .portfolios import Portfolio


class RiskProfile(models.Model):
    """The limits that every order of a portfolio is held against."""

    portfolio = models.OneToOneField(Portfolio, on_delete=models.CASCADE, related_name="risk_profile")
    enabled = models.BooleanField(default=True)
    max_position_size_percent = PercentField(default=Decimal(10), help_text="Of equity, one position.")
    max_total_exposure_percent = PercentField(default=Decimal(50), help_text="Of equity, all positions and orders.")
    max_concurrent_positions = models.PositiveSmallIntegerField(default=5)
    min_order_size = AmountField(default=Decimal(10), help_text="In the portfolio's currency.")
    max_order_size = AmountField(null=True, blank=True, help_text="In the portfolio's currency; empty for none.")
    default_stop_loss_percent = PercentField(default=Decimal(5), help_text="From the entry; 0 for none.")
    default_take_profit_percent = PercentField(default=Decimal(10), help_text="From the entry; 0 for none.")
    max_leverage = models.DecimalField(
        max_digits=5, decimal_places=2, default=Decimal(3), validators=[MinValueValidator(Decimal(1))],
        help_text="Exposure of all positions and orders over equity, and the leverage of one position.",
    )  # fmt: skip
    price_band_percent = PercentField(
        default=Decimal(20), help_text="How far off the last price an order's own prices may lie; 0 for any distance."
    )
    max_orders_per_minute = models.PositiveIntegerField(default=120, help_text="Of all kinds; 0 for any number.")
    allowed_instruments = models.ManyToManyField(
        Instrument, blank=True, related_name="+", help_text="What may be opened; none chosen means every instrument."
    )
    circuit_breaker = models.BooleanField(
        default=True, help_text="Halt by itself on a day's loss, a drawdown or a streak of stop losses."
    )
    daily_loss_limit_percent = PercentField(default=Decimal(5), help_text="Of the equity at the day's begin; 0: none.")
    max_drawdown_percent = PercentField(default=Decimal(15), help_text="Below the highest equity; 0 for none.")
    cooldown_losses = models.PositiveSmallIntegerField(
        default=3, help_text="Stop losses in a row after which the portfolio rests; 0 for never."
    )
    cooldown_seconds = models.PositiveIntegerField(default=300, help_text="How long it rests, in market time.")

    def __str__(self) -> str:
        return f"Limits of {self.portfolio}"

    @property
    def limits(self) -> RiskLimits:
        """The figures as the core knows them; which instruments may be opened is read with them by `limits_of`."""
        return RiskLimits(
            enabled=self.enabled,
            max_position_size_percent=self.max_position_size_percent,
            max_total_exposure_percent=self.max_total_exposure_percent,
            max_concurrent_positions=self.max_concurrent_positions,
            min_order_size=self.min_order_size,
            max_order_size=self.max_order_size,
            max_leverage=self.max_leverage,
            price_band_percent=self.price_band_percent or None,
            max_orders_per_minute=self.max_orders_per_minute or None,
        )

    @property
    def guards(self) -> Guards:
        """At what loss the portfolio stops by itself; never where its circuit breaker is off."""
        if not self.circuit_breaker:
            return Guards()
        return Guards(
            daily_loss_percent=self.daily_loss_limit_percent or None,
            drawdown_percent=self.max_drawdown_percent or None,
            cooldown_losses=self.cooldown_losses,
            cooldown=timedelta(seconds=self.cooldown_seconds),
        )


class PlatformLimits(models.Model):
    """Ceilings that no portfolio's limits may pass; one row, which administrators change. Empty is no ceiling."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    max_position_size_percent = PercentField(null=True, blank=True)
    max_total_exposure_percent = PercentField(null=True, blank=True)
    max_concurrent_positions = models.PositiveSmallIntegerField(null=True, blank=True)
    max_order_size = AmountField(null=True, blank=True, help_text="In each portfolio's own currency.")
    max_leverage = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(Decimal(1))]
    )
    price_band_percent = PercentField(null=True, blank=True)
    max_orders_per_minute = models.PositiveIntegerField(null=True, blank=True)
    daily_loss_limit_percent = PercentField(null=True, blank=True)
    max_drawdown_percent = PercentField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "platform limits"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="platform_limits_are_one_row")]

    def __str__(self) -> str:
        return "Limits of the platform"

    @property
    def ceilings(self) -> RiskCeilings:
        """What orders are held to; 0 orders a minute or a band of 0 is no ceiling, as it is no limit elsewhere."""
        return RiskCeilings(
            max_position_size_percent=self.max_position_size_percent,
            max_total_exposure_percent=self.max_total_exposure_percent,
            max_concurrent_positions=self.max_concurrent_positions,
            max_order_size=self.max_order_size,
            max_leverage=self.max_leverage,
            price_band_percent=self.price_band_percent or None,
            max_orders_per_minute=self.max_orders_per_minute or None,
        )
