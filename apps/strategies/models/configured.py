"""Rules at work on an instrument of a portfolio."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from algotrendy.trading.signals import Direction
from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.base import Strategy as StrategyRule
from algotrendy.trading.values import Timeframe
from apps.common.fields import AmountField
from apps.common.models import PublicModel, choices_of
from apps.marketdata.models import Instrument
from apps.portfolio.models import Portfolio


class SizingMode(models.TextChoices):
    PERCENT_OF_EQUITY = "percent_of_equity", "Percent of equity"
    FIXED_QUANTITY = "fixed_quantity", "Fixed quantity"
    RISK_PERCENT = "risk_percent", "Risk: percent of equity lost at the stop"
    VOLATILITY_TARGET = "volatility_target", "Volatility target: annual percent of equity"


class Strategy(PublicModel):
    """A rule with its parameters, at work on one instrument and timeframe of a portfolio.

    `slug` names the strategy's own book of positions and never changes. `version` counts up with every change; what it
    was before is kept in `versions`. `running_since` begins anew when the strategy is changed or switched on: since
    then it has seen every candle as it is now, which is what a backtest can be compared with.
    """

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="strategies")
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=64, editable=False)
    rule = models.CharField(max_length=64, help_text="Which of the registered rules decides.")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    timeframe = models.CharField(max_length=3, choices=choices_of(Timeframe))
    parameters = models.JSONField(default=dict, blank=True)
    direction = models.CharField(max_length=16, choices=choices_of(Direction), default=Direction.LONG_ONLY)
    sizing_mode = models.CharField(max_length=24, choices=SizingMode.choices, default=SizingMode.PERCENT_OF_EQUITY)
    sizing_value = AmountField(default=Decimal(5), validators=[MinValueValidator(Decimal("0.00000001"))])
    min_confidence = models.FloatField(default=0.0, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)])
    protect = models.BooleanField(default=True, help_text="Place the rule's stop loss and take profit with each entry.")
    needs_approval = models.BooleanField(default=False, help_text="Each signal waits for a person before it trades.")
    approval_minutes = models.PositiveIntegerField(
        default=15, validators=[MinValueValidator(1), MaxValueValidator(10_080)],
        help_text="How long a signal waits before it lapses.",
    )  # fmt: skip
    enabled = models.BooleanField(default=False)
    last_run_at = models.DateTimeField(null=True, blank=True, help_text="Market time of the last candle it saw.")
    last_error = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False, help_text="Which of its versions it follows.")
    running_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Market time of the first candle it saw as it is now."
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When it was put away.")

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "strategies"
        permissions = [("view_strategyfile", "Can see which strategy files are broken")]  # administrators, see roles
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "name"], name="strategy_name_once_per_portfolio"),
            models.UniqueConstraint(fields=["portfolio", "slug"], name="strategy_slug_once_per_portfolio"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    @property
    def configured_rule(self) -> StrategyRule:
        """The rule with this row's parameters; raises a TradingError where they do not fit."""
        return registry.build(self.rule, self.parameters)
