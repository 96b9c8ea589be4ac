"""The feeds that bring candles."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from algotrendy.trading.values import Timeframe
from apps.common.models import choices_of

from .instruments import Instrument


class Source(models.TextChoices):
    """Where candles come from."""

    CSV = "csv", "Imported file"
    REPLAY = "replay", "Replay of stored candles"


class Feed(models.Model):
    """A series of candles that arrives: one instrument and timeframe from one source.

    A replay feed sends the stored candles of `origin` as if they arrived now, `speed` seconds of market time in each
    second of the clock, and keeps in `position` the open time of the last candle it sent.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="feeds")
    timeframe = models.CharField(max_length=3, choices=choices_of(Timeframe))
    source = models.CharField(max_length=32, choices=Source.choices, default=Source.REPLAY)
    enabled = models.BooleanField(default=True)
    origin = models.CharField(max_length=32, default=Source.CSV, help_text="Whose stored candles a replay sends.")
    speed = models.FloatField(
        default=3600, validators=[MinValueValidator(0.001), MaxValueValidator(10_000_000)],
        help_text="Seconds of market time in a second of the clock; 3600 sends an hour a second.",
    )  # fmt: skip
    position = models.DateTimeField(null=True, blank=True, help_text="Open time of the last candle that was sent.")
    last_received_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["instrument__symbol", "timeframe"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "timeframe", "source"], name="feed_once_per_series"),
            models.UniqueConstraint(
                fields=["instrument", "timeframe"], condition=Q(enabled=True), name="feed_one_enabled_per_timeframe"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.timeframe} ({self.source})"

    def clean(self) -> None:
        if self.source == Source.REPLAY and self.origin == Source.REPLAY:
            raise ValidationError({"origin": "A replay cannot replay itself; name the source that holds the candles."})
