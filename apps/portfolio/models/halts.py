"""The kill switch: who may not trade, how far, and why."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from algotrendy.trading.risk import TradingMode
from apps.common.models import PublicModel

from .portfolios import Portfolio


class HaltWidth(models.TextChoices):
    PLATFORM = "platform", "Platform"
    PORTFOLIO = "portfolio", "Portfolio"
    STRATEGY = "strategy", "Strategy"


class HaltCause(models.TextChoices):
    PERSON = "person", "A person"
    DAILY_LOSS = "daily_loss", "Daily loss limit"
    DRAWDOWN = "drawdown", "Maximum drawdown"
    COOLDOWN = "cooldown", "Streak of stop losses"
    LIQUIDATION = "liquidation", "Margin"


class TradingHalt(PublicModel):
    """A halt of the whole platform, a portfolio, or a strategy (by the portfolio and book that are its own).

    While it lasts (`ended_at` is empty, and `until` where given has not come) nothing that the mode forbids is placed
    or sent; where several hold, the strictest decides.
    """

    width = models.CharField(max_length=16, choices=HaltWidth.choices)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, null=True, blank=True, related_name="halts")
    book = models.CharField(max_length=64, blank=True, help_text="A strategy's book; empty for all of them.")
    mode = models.CharField(
        max_length=16,
        choices=[(mode.value, mode.value.capitalize()) for mode in TradingMode if mode is not TradingMode.ACTIVE],
        default=TradingMode.HALTED,
    )
    cause = models.CharField(max_length=16, choices=HaltCause.choices, default=HaltCause.PERSON)
    reason = models.CharField(max_length=500)
    flatten = models.BooleanField(default=False, help_text="Cancel the orders and close the positions that it covers.")
    until = models.DateTimeField(null=True, blank=True, help_text="When it ends by itself; market time for a cooldown.")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Empty where the platform did it.",
    )  # fmt: skip
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = "trading halt"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["width", "portfolio", "book", "cause"],
                condition=Q(ended_at__isnull=True),
                nulls_distinct=False,
                name="halt_once_per_place_and_cause",
            ),
            models.CheckConstraint(
                condition=Q(width="platform", portfolio__isnull=True, book="")
                | Q(width="portfolio", portfolio__isnull=False, book="")
                | (Q(width="strategy", portfolio__isnull=False) & ~Q(book="")),
                name="halt_names_its_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_width_display()} {self.mode}: {self.reason}"
