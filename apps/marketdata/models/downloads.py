"""Histories that are fetched from an exchange."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from algotrendy.trading.values import Timeframe
from apps.common.models import PublicModel, choices_of

from .instruments import Instrument


class DownloadStatus(models.TextChoices):
    PENDING = "pending", "Waiting"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Canceled"


UNDER_WAY = (DownloadStatus.PENDING, DownloadStatus.RUNNING)


class Download(PublicModel):
    """A span of candles to be fetched, page by page: all that open from `start` to before `end`.

    `cursor` moves in the transaction that stores a page, so whatever is killed, the download goes on with the next one.
    A worker has it while its lease lasts; `retry_at` is when a source that did not answer is asked again.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="downloads")
    timeframe = models.CharField(max_length=3, choices=choices_of(Timeframe))
    source = models.CharField(max_length=32)
    source_symbol = models.CharField(max_length=40, blank=True)
    start = models.DateTimeField()
    end = models.DateTimeField()
    cursor = models.DateTimeField(help_text="Where the next page begins.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, related_name="downloads", null=True, blank=True
    )
    status = models.CharField(max_length=10, choices=DownloadStatus.choices, default=DownloadStatus.PENDING)
    pages = models.PositiveIntegerField(default=0)
    inserted = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0, help_text="In a row.")
    error_code = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=500, blank=True)
    lease = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [models.CheckConstraint(condition=Q(start__lt=F("end")), name="download_start_before_end")]
        indexes = [models.Index(fields=["status"], name="download_by_status")]

    def __str__(self) -> str:
        return f"{self.instrument} {self.timeframe} ({self.source}) {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}"

    @property
    def is_under_way(self) -> bool:
        return self.status in UNDER_WAY

    @property
    def progress(self) -> int:
        """Percent of the span that was asked for; 100 only where it is completed."""
        if self.status == DownloadStatus.COMPLETED:
            return 100
        return min(99, int(100 * (self.cursor - self.start) / (self.end - self.start)))
