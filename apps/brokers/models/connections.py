"""Where orders go: users' accounts at venues."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.dateparse import parse_datetime

from apps.common.models import PublicModel

SHARES = [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))]
RATE_LIMITS = [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal("0.1"))]


class BrokerKind(models.TextChoices):
    PAPER = "paper", "Paper"
    CCXT = "ccxt", "Exchange"


class MarketType(models.TextChoices):
    SPOT = "spot", "Spot"
    SWAP = "swap", "Perpetual swap"
    FUTURE = "future", "Future"


class BrokerConnection(PublicModel):
    """A user's account at a venue.

    Credentials are kept encrypted and go out to nobody but the venue; `key_hint` is what people recognize a key by.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="broker_connections")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=16, choices=BrokerKind.choices, default=BrokerKind.PAPER)
    is_live = models.BooleanField(default=False, help_text="Trades real money.")
    is_active = models.BooleanField(default=True)
    commission_rate = models.DecimalField(
        max_digits=8, decimal_places=6, default=Decimal("0.001"), validators=RATE_LIMITS,
        help_text="Paper only: fee as a share of each fill's value; 0.001 is 0.1 %.",
    )  # fmt: skip
    slippage_rate = models.DecimalField(
        max_digits=8, decimal_places=6, default=Decimal("0.0005"), validators=RATE_LIMITS,
        help_text="Paper only: how much worse than the touched price market and stop orders fill.",
    )  # fmt: skip

    volume_share = models.DecimalField(
        max_digits=5, decimal_places=4, default=Decimal(0), validators=SHARES,
        help_text="Paper only: how much of a candle's volume an order may take; 0 for no limit.",
    )  # fmt: skip
    latency_ms = models.PositiveIntegerField(
        default=0, validators=[MaxValueValidator(3_600_000)],
        help_text="Paper only: market time that an order takes to reach the venue.",
    )  # fmt: skip
    seed = models.PositiveIntegerField(
        default=0, help_text="Paper only: what its chance (latency, shares of volume) is drawn from; 0 for no chance."
    )
    funding_rate = models.DecimalField(
        max_digits=8, decimal_places=6, default=Decimal(0), validators=RATE_LIMITS,
        help_text="Paper only: what a short position pays every 8 hours, as a share of its value.",
    )  # fmt: skip
    exchange = models.CharField(max_length=32, blank=True, help_text="Exchange only: its id, such as binance.")
    market_type = models.CharField(max_length=8, choices=MarketType.choices, default=MarketType.SPOT)
    sandbox = models.BooleanField(default=True, help_text="Exchange only: its test network, where it has one.")
    encrypted_credentials = models.TextField(blank=True, editable=False)
    key_hint = models.CharField(max_length=8, blank=True, editable=False, help_text="The last characters of its key.")
    credentials_at = models.DateTimeField(null=True, blank=True, editable=False)
    tested_at = models.DateTimeField(null=True, blank=True, editable=False)
    test_result = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="connection_name_once_per_owner"),
            models.CheckConstraint(
                condition=~Q(kind=BrokerKind.PAPER, is_live=True), name="connection_paper_is_never_live"
            ),
            models.CheckConstraint(condition=~Q(sandbox=True, is_live=True), name="connection_sandbox_is_never_live"),
            models.CheckConstraint(
                condition=Q(kind=BrokerKind.PAPER, exchange="") | (Q(kind=BrokerKind.CCXT) & ~Q(exchange="")),
                name="connection_names_its_exchange",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<BrokerConnection {self.pk}>"

    @property
    def is_paper(self) -> bool:
        return self.kind == BrokerKind.PAPER

    @property
    def has_credentials(self) -> bool:
        return bool(self.encrypted_credentials)

    @property
    def money(self) -> str:
        """What an order through the connection moves: paper, a sandbox's, live, or nothing, for it does not go out."""
        if not self.is_active:
            return "off"
        if self.is_paper:
            return "paper"
        if self.sandbox:
            return "sandbox"
        return "live" if self.is_live else "off"

    @property
    def is_being_tested(self) -> bool:
        """Whether a test was asked for to which there is no answer yet."""
        return "asked_at" in self.test_result

    @property
    def test_told(self) -> dict[str, Any]:
        """What the last test told, every part of it; what it did not tell is None."""
        found = self.test_result
        asked = parse_datetime(found.get("asked_at") or "")
        return {
            "ok": found.get("ok"),
            "code": found.get("code", ""),
            "message": found.get("message", ""),
            **{name: found.get(name) for name in ("can_read", "can_trade", "can_withdraw", "is_ip_restricted")},
            "warnings": list(found.get("warnings", ())),
            "rests": list(found.get("rests", ())),
            "asked_at": asked,
        }
