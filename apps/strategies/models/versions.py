"""What strategies were: a row for each change, never edited."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from algotrendy.trading.signals import Direction
from apps.common.fields import AmountField
from apps.common.models import choices_of

from .configured import SizingMode, Strategy

VERSIONED = (
    "name", "rule", "parameters", "direction", "sizing_mode", "sizing_value", "min_confidence", "protect",
    "needs_approval", "approval_minutes",
)  # fmt: skip
"""What a version keeps of a strategy; the rest of it never changes."""


class StrategyVersion(models.Model):
    """A strategy as it was from this version to the next; a trigger in the database refuses to change a row."""

    id = models.BigAutoField(primary_key=True)
    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(help_text="From 1 on.")
    name = models.CharField(max_length=100)
    rule = models.CharField(max_length=64)
    parameters = models.JSONField(default=dict, blank=True)
    direction = models.CharField(max_length=16, choices=choices_of(Direction))
    sizing_mode = models.CharField(max_length=24, choices=SizingMode.choices)
    sizing_value = AmountField()
    min_confidence = models.FloatField()
    protect = models.BooleanField()
    needs_approval = models.BooleanField(default=False)
    approval_minutes = models.PositiveIntegerField(default=15)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Empty where the platform did it.",
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "strategy version"
        ordering = ["strategy", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["strategy", "number"], name="strategy_version_once_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.number}"

    @property
    def settings(self) -> dict[str, object]:
        """What the strategy was told, by name."""
        return {name: getattr(self, name) for name in VERSIONED}
