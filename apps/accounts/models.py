"""Who uses the platform."""

from __future__ import annotations

import zoneinfo

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
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
