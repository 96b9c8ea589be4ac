"""Who uses the platform."""

from __future__ import annotations

import zoneinfo

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


class Tier(models.TextChoices):
    FREE = "free", "Free"
    PREMIUM = "premium", "Premium"
    ENTERPRISE = "enterprise", "Enterprise"


class Role(models.TextChoices):
    """The groups that a migration seeds; a group's permissions say what its members may do."""

    ADMIN = "Admin", "Admin"
    TRADER = "Trader", "Trader"
    VIEWER = "Viewer", "Viewer"


def validate_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"{name} is no IANA time zone; use a name such as Europe/Berlin.")


class User(AbstractUser):
    """A person or a program that signs in, by user name or e-mail address."""

    email = models.EmailField("e-mail address", unique=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    tier = models.CharField(max_length=16, choices=Tier.choices, default=Tier.FREE)
    may_trade_live = models.BooleanField(
        default=False, help_text="Real money needs this, the connection's live flag and the platform's LIVE_TRADING."
    )

    REQUIRED_FIELDS = ["email"]

    class Meta(AbstractUser.Meta):
        ordering = ["username"]

    @property
    def is_admin(self) -> bool:
        return self.is_superuser or self.role == Role.ADMIN

    @property
    def role(self) -> str:
        """The strongest role that the user holds, or an empty string."""
        held = {group.name for group in self.groups.all()}
        return next((role.value for role in Role if role.value in held), "")


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
