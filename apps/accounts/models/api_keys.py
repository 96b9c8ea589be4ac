"""Keys for programs."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterable

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models

AUTHENTICATED = "authenticated"
READ_BY_KEY = frozenset({"alerts", "marketdata", "brokers", "portfolio", "strategies", "orders"})
TRADED_BY_KEY = frozenset({"alerts", "marketdata", "portfolio", "strategies", "orders"})
KEPT_FROM_KEYS = frozenset(
    {
        "change_riskprofile", "change_platformlimits", "change_tradinghalt",
        "add_strategywebhook", "change_strategywebhook", "delete_strategywebhook",
    }
)  # fmt: skip
"""What a program may not do to itself: widen its own limits, end a halt (it may begin one), or make another secret that
trades."""


class Scope(models.TextChoices):
    """What a key may do of what its owner may."""

    READ = "read", "Read"
    TRADE = "trade", "Trade"


def validate_network(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValidationError(f"{text} is no address or network; write 203.0.113.7 or 203.0.113.0/24.") from error


def is_within(ip: str, networks: Iterable[str]) -> bool:
    """Tell whether an address lies in one of the networks; none are all."""
    found = list(networks)
    if not found:
        return True
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network) for network in found)


class ApiKey(models.Model):
    """A key that signs a program's requests; of its secret only a keyed hash is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope.choices), size=len(Scope))
    allowed_networks = ArrayField(
        models.CharField(max_length=50, validators=[validate_network]), default=list, blank=True, size=20
    )
    """Addresses and networks that it may be used from; none means any."""
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    """A limit of its own, below its owner's."""
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField("last used", null=True)
    used_from = models.GenericIPAddressField("last used from", null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"],
                condition=models.Q(revoked_at=None),
                name="one_live_key_of_a_name",
                violation_error_message="You have a key of this name; choose another, or revoke that one.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def __repr__(self) -> str:
        return f"<ApiKey {self.prefix}>"

    def allows(self, needed: str, view: object = None, method: str = "GET") -> bool:
        """Tell whether the scopes reach a permission: reading and trading, never keys, users or the second factor."""
        if needed == AUTHENTICATED:
            return method in getattr(view, "open_to_keys", ())
        app, _, action = needed.partition(".")
        if action.startswith("view_"):
            return Scope.READ in self.scopes and app in READ_BY_KEY
        return Scope.TRADE in self.scopes and app in TRADED_BY_KEY and action not in KEPT_FROM_KEYS

    def is_allowed_from(self, ip: str) -> bool:
        """Tell whether a request from the address may use the key."""
        return is_within(ip, self.allowed_networks)
