"""The feeds that bring candles."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
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
    second of the clock. Any other source is an exchange, asked every minute, and where it does not answer the
    `fallbacks` are, one after the other; their candles join the feed's series and name their provider. `position` is
    the open time of the last candle that came.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="feeds")
    timeframe = models.CharField(max_length=3, choices=choices_of(Timeframe))
    source = models.CharField(max_length=32, default=Source.REPLAY, help_text="replay, or an exchange such as binance.")
    source_symbol = models.CharField(
        max_length=40, blank=True, help_text="What the exchange calls the instrument; its symbol where left empty."
    )
    fallbacks = ArrayField(
        models.CharField(max_length=32),
        default=list,
        blank=True,
        help_text="Exchanges that are asked, in this order, while the source does not answer: kraken, okx.",
    )
    enabled = models.BooleanField(default=True)
    origin = models.CharField(max_length=32, default=Source.CSV, help_text="Whose stored candles a replay sends.")
    speed = models.FloatField(
        default=3600, validators=[MinValueValidator(0.001), MaxValueValidator(10_000_000)],
        help_text="Of a replay: seconds of market time in a second of the clock; 3600 sends an hour a second.",
    )  # fmt: skip
    position = models.DateTimeField(null=True, blank=True, help_text="Open time of the last candle that was sent.")
    provider = models.CharField(max_length=32, blank=True, help_text="Who delivered the last candle.")
    last_received_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["instrument__symbol", "timeframe"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "timeframe", "source"], name="feed_once_per_series"),
            models.UniqueConstraint(
                fields=["instrument", "timeframe"],
                condition=Q(enabled=True),
                name="feed_one_enabled_per_timeframe",
                violation_error_message="Another feed of this instrument and timeframe is enabled; disable it first.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.timeframe} ({self.source})"

    @property
    def is_replay(self) -> bool:
        return self.source == Source.REPLAY

    @property
    def providers(self) -> tuple[str, ...]:
        """The exchanges that may be asked, the source first; none for a replay."""
        return () if self.is_replay else (self.source, *self.fallbacks)

    def clean(self) -> None:
        if self.source == Source.REPLAY and self.origin == Source.REPLAY:
            raise ValidationError({"origin": "A replay cannot replay itself; name the source that holds the candles."})
