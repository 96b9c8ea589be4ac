"""Who uses the platform."""

from __future__ import annotations

import functools
import zoneinfo

from django.conf import settings
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


@functools.cache
def time_zones() -> frozenset[str]:
    """Return the names of the IANA time zones, which takes a walk through the machine's files."""
    return frozenset(zoneinfo.available_timezones())


def validate_time_zone(name: str) -> None:
    if name not in time_zones():
        raise ValidationError(f"{name} is no IANA time zone; use a name such as Europe/Berlin.")


class User(AbstractUser):
    """A person or a program that signs in, by user name or e-mail address."""

    email = models.EmailField("e-mail address", unique=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    tier = models.CharField(max_length=16, choices=Tier.choices, default=Tier.FREE)
    may_trade_live = models.BooleanField(
        default=False, help_text="Real money needs this, the connection's live flag and the platform's LIVE_TRADING."
    )
    email_verified_at = models.DateTimeField("e-mail verified", null=True, blank=True, editable=False)
    token_version = models.PositiveIntegerField(default=0, editable=False)
    """Part of every token; counting it up makes all that were given out before useless."""
    awaits_verification = models.BooleanField(
        default=False, editable=False, help_text="Registered by the user, who has not yet opened the letter."
    )

    REQUIRED_FIELDS = ["email"]

    class Meta(AbstractUser.Meta):
        ordering = ["username"]

    @property
    def has_mfa(self) -> bool:
        """Whether a one-time password is asked for besides the password."""
        device = getattr(self, "authenticator", None)
        return device is not None and device.confirmed_at is not None

    @property
    def must_enroll_mfa(self) -> bool:
        """Whether the account may do nothing but set up its second factor."""
        return settings.MFA_REQUIRED_FOR_ADMINS and self.is_admin and not self.has_mfa

    @property
    def is_admin(self) -> bool:
        return self.is_superuser or self.role == Role.ADMIN

    @property
    def role(self) -> str:
        """The strongest role that the user holds, or an empty string."""
        held = {group.name for group in self.groups.all()}
        return next((role.value for role in Role if role.value in held), "")
