"""What every long piece of work in the background is: waiting, running, and over in one of three ways."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models

from apps.common.models import PublicModel


class JobStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Canceled"


ACTIVE = (JobStatus.PENDING, JobStatus.RUNNING)


class Job(PublicModel):
    """Work that a worker claims, shows its progress on, and ends; `attempts` counts the claims.

    A running job has a heartbeat: one whose heart stopped lost its worker, and is given to another.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="%(class)ss")
    name = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=10, choices=JobStatus.choices, default=JobStatus.PENDING)
    progress = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(100)], help_text="Percent.")
    stage = models.CharField(max_length=60, blank=True, help_text="What it is at.")
    error_code = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=1000, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def took_seconds(self) -> float | None:
        """How long it has run, or ran; None before it began."""
        end: Any = self.finished_at or self.heartbeat_at
        return None if self.started_at is None or end is None else (end - self.started_at).total_seconds()
