"""What somebody should look at, from when it began until it was over."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.common.models import PublicModel


class Severity(models.TextChoices):
    INFO = "info", "Info"
    WARNING = "warning", "Warning"
    CRITICAL = "critical", "Critical"


class Alert(PublicModel):
    """A fault that is there, or was: one row from its beginning to its end, however often it is noticed.

    `code` says what kind it is and `subject` what has it (`feed:3`). Without an owner it concerns everybody.
    """

    code = models.CharField(max_length=40)
    subject = models.CharField(max_length=80)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="alerts", null=True, blank=True
    )
    severity = models.CharField(max_length=8, choices=Severity.choices)
    message = models.CharField(max_length=500)
    page = models.CharField(max_length=200, blank=True, help_text="The page of the console that shows more.")
    seen_at = models.DateTimeField("last noticed")
    resolved_at = models.DateTimeField("over since", null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, related_name="+", null=True, blank=True
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["code", "subject"], condition=Q(resolved_at=None), name="one_open_alert_of_a_subject"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.subject}"

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None
