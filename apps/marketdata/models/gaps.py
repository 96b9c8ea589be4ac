"""Where candles are missing, and why they may be."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from algotrendy.trading.values import Timeframe
from apps.common.models import PublicModel, choices_of

from .instruments import Instrument


class Outage(models.Model):
    """A time in which a source is known to have had no candles, of one instrument or of all."""

    source = models.CharField(max_length=32)
    instrument = models.ForeignKey(
        Instrument, on_delete=models.CASCADE, related_name="outages", null=True, blank=True, help_text="All, if empty."
    )
    start = models.DateTimeField()
    end = models.DateTimeField(help_text="Exclusive.")
    note = models.CharField(max_length=200, help_text="What happened, and where the source said so.")

    class Meta:
        ordering = ["-start"]
        constraints = [models.CheckConstraint(condition=Q(start__lt=F("end")), name="outage_start_before_end")]

    def __str__(self) -> str:
        return f"{self.source} {self.start:%Y-%m-%d %H:%M}"

    def clean(self) -> None:
        if self.start and self.end and self.start >= self.end:
            raise ValidationError({"end": "The end is not after the start."})


class GapStatus(models.TextChoices):
    OPEN = "open", "Open"
    EXPLAINED = "explained", "Known outage"
    EMPTY = "empty", "Source has none"
    FILLED = "filled", "Filled"


class Gap(PublicModel):
    """Candles that are missing between two that are stored: `missing` of them, opening from `start` to before `end`."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="gaps")
    timeframe = models.CharField(max_length=3, choices=choices_of(Timeframe))
    source = models.CharField(max_length=32)
    start = models.DateTimeField()
    end = models.DateTimeField()
    missing = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=GapStatus.choices, default=GapStatus.OPEN)
    outage = models.ForeignKey(Outage, on_delete=models.SET_NULL, related_name="gaps", null=True, blank=True)

    class Meta:
        ordering = ["-start", "id"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "timeframe", "source", "start"], name="gap_once_per_start")
        ]
        indexes = [models.Index(fields=["status"], name="gap_by_status")]

    def __str__(self) -> str:
        return f"{self.instrument} {self.timeframe} ({self.source}) {self.start:%Y-%m-%d %H:%M}"


class GapScan(models.Model):
    """How far a series has been searched for gaps."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="+")
    timeframe = models.CharField(max_length=3, choices=choices_of(Timeframe))
    source = models.CharField(max_length=32)
    through = models.DateTimeField(help_text="Open time of the newest candle that was looked at.")
    scanned_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instrument", "timeframe", "source"], name="scan_once_a_series")]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.timeframe} ({self.source})"
