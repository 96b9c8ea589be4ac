"""How often the users of a tier may call, where that differs from the settings."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from .users import Tier


class RateLimit(models.Model):
    """What an administrator has put in the place of a tier's limits in a scope; without a row the settings' hold."""

    class Scope(models.TextChoices):
        GENERAL = "general", "General"
        ORDERS = "orders", "Orders"
        MARKET_DATA = "market_data", "Market data"

    TIERS = [("anonymous", "Anonymous, by address"), *Tier.choices]
    MOST = 1_000_000

    tier = models.CharField(max_length=16, choices=TIERS)
    scope = models.CharField(max_length=16, choices=Scope.choices)
    requests_per_minute = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(MOST)])
    burst_per_second = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(MOST)])
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.ForeignKey("accounts.User", models.SET_NULL, null=True, editable=False, related_name="+")

    class Meta:
        ordering = ["tier", "scope"]
        constraints = [
            models.UniqueConstraint(
                fields=["tier", "scope"],
                name="one_rate_limit_for_a_tier_and_scope",
                violation_error_message="There is a limit for this tier and scope already; change that one.",
            ),
            models.CheckConstraint(
                condition=models.Q(burst_per_second__gte=1, requests_per_minute__gte=1), name="rate_limit_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(burst_per_second__lte=models.F("requests_per_minute")),
                name="rate_limit_burst_within_minute",
                violation_error_message="A second's burst cannot exceed a minute's calls; lower it or allow more.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_tier_display()}, {self.get_scope_display().lower()}"
