"""Signals from outside: each strategy may have an address of its own."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.accounts.models.api_keys import validate_network
from apps.common.models import PublicModel

from .configured import Strategy
from .signals import Signal


class StrategyWebhook(PublicModel):
    """What lets a chart's alert speak for a strategy; of its secret only a keyed hash is kept."""

    strategy = models.OneToOneField(Strategy, on_delete=models.CASCADE, related_name="webhook")
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    is_enabled = models.BooleanField(default=True)
    allowed_networks = ArrayField(
        models.CharField(max_length=50, validators=[validate_network]), default=list, blank=True, size=20,
        help_text="Addresses and networks that it takes alerts from; none means any.",
    )  # fmt: skip
    template = models.CharField(
        max_length=500, blank=True,
        help_text="How a plain-text alert is read, such as `{action} {symbol} at {price}`; empty for JSON alone.",
    )  # fmt: skip
    used_at = models.DateTimeField("last used", null=True, blank=True)
    used_from = models.GenericIPAddressField("last used from", null=True, blank=True)

    class Meta:
        verbose_name = "webhook"
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.strategy} ({self.prefix}…)"

    def __repr__(self) -> str:
        return f"<StrategyWebhook {self.prefix}>"


class WebhookDelivery(models.Model):
    """An alert that was taken: the same one again changes nothing."""

    id = models.BigAutoField(primary_key=True)
    webhook = models.ForeignKey(StrategyWebhook, on_delete=models.CASCADE, related_name="deliveries")
    key = models.CharField(max_length=64, help_text="The alert's own id, or the digest of what it said.")
    signal = models.ForeignKey(Signal, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["webhook", "key"], name="webhook_takes_an_alert_once")]

    def __str__(self) -> str:
        return f"{self.webhook} {self.received_at:%Y-%m-%d %H:%M:%S}"
