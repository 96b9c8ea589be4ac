"""What comparing the platform with its venues found."""

from __future__ import annotations

from django.db import models

from apps.brokers.models import BrokerConnection


class ReconciliationOutcome(models.TextChoices):
    CLEAN = "clean", "Clean"
    REPAIRED = "repaired", "Repaired"
    DRIFT = "drift", "Drift"
    FAILED = "failed", "Failed"


class Reconciliation(models.Model):
    """One comparison of a connection with its venue: what differed, and what was done about it.

    A venue that did not answer makes a failed one: nothing is concluded from it, least of all that it holds nothing.
    """

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(BrokerConnection, on_delete=models.CASCADE, related_name="reconciliations")
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=16, choices=ReconciliationOutcome.choices, blank=True)
    orders_checked = models.PositiveIntegerField(default=0)
    fills_applied = models.PositiveIntegerField(default=0)
    orders_adopted = models.PositiveIntegerField(default=0)
    orders_resolved = models.PositiveIntegerField(default=0)
    differences = models.JSONField(default=list, blank=True, help_text="What differs still, each with its figures.")
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["connection", "-id"], name="reconciliation_newest")]

    def __str__(self) -> str:
        return f"{self.connection} {self.started_at:%Y-%m-%d %H:%M:%S}: {self.outcome or 'running'}"
