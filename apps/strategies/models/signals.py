"""What strategies said."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from algotrendy.trading.signals import Action
from apps.common.fields import AmountField
from apps.common.models import PublicModel, choices_of

from .configured import Strategy


class SignalOutcome(models.TextChoices):
    NEW = "new", "New"
    ORDERED = "ordered", "Ordered"
    DENIED = "denied", "Denied"
    SKIPPED = "skipped", "Skipped"
    AWAITING = "awaiting", "Awaits approval"
    DECLINED = "declined", "Declined"
    LAPSED = "lapsed", "Lapsed"


class SignalSource(models.TextChoices):
    RULE = "rule", "Rule"
    WEBHOOK = "webhook", "Webhook"


class Signal(PublicModel):
    """A strategy's word on one candle that asks for a trade, at most one for each candle; or a webhook's."""

    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="signals")
    strategy_version = models.PositiveIntegerField(default=1, help_text="The strategy's version that said it.")
    candle_open_time = models.DateTimeField()
    at = models.DateTimeField(help_text="Market time: when the candle closed.")
    action = models.CharField(max_length=11, choices=choices_of(Action))
    confidence = models.FloatField()
    price = AmountField()
    stop_loss = AmountField(null=True, blank=True)
    take_profit = AmountField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    outcome = models.CharField(max_length=16, choices=SignalOutcome.choices, default=SignalOutcome.NEW)
    source = models.CharField(max_length=8, choices=SignalSource.choices, default=SignalSource.RULE)
    quantity = AmountField(null=True, blank=True, help_text="What a webhook asked for in place of the strategy's size.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Until when somebody may approve it.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    outcome_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(
                fields=["strategy", "candle_open_time"],
                condition=models.Q(source=SignalSource.RULE),
                name="signal_once_per_candle",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} ({self.confidence:.2f}) at {self.price}"
