"""Finished candles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from algotrendy.trading.values import Timeframe
from apps.common.fields import AmountField
from apps.common.models import choices_of

from .instruments import Instrument

if TYPE_CHECKING:
    from datetime import datetime


class Candle(models.Model):
    """A finished candle of one source; `provider` is who delivered it where that was not the source itself.

    The table is partitioned by the year of `open_time`, so the database's own primary key is (id, open_time).
    """

    id = models.BigAutoField(primary_key=True)
    # Checked by the services: the database would look every candle's instrument up, which doubles a load's time.
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="candles", db_constraint=False, db_index=False
    )
    timeframe = models.CharField(max_length=3, choices=choices_of(Timeframe))
    source = models.CharField(max_length=32)
    provider = models.CharField(max_length=32, blank=True, default="", db_default="")
    open_time = models.DateTimeField()
    open = AmountField()
    high = AmountField()
    low = AmountField()
    close = AmountField()
    volume = AmountField()
    quote_volume = AmountField(null=True, blank=True)
    trade_count = models.PositiveIntegerField(null=True, blank=True)
    received_at = models.DateTimeField(auto_now_add=True, db_default=Now())

    class Meta:
        ordering = ["-open_time"]
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "timeframe", "source", "open_time"], name="candle_once_per_series_and_time"
            ),
            models.CheckConstraint(
                condition=Q(low__gt=0)
                & Q(low__lte=F("open"))
                & Q(low__lte=F("close"))
                & Q(high__gte=F("open"))
                & Q(high__gte=F("close")),
                name="candle_prices_agree",
            ),
            models.CheckConstraint(condition=Q(volume__gte=0), name="candle_volume_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.timeframe} {self.open_time:%Y-%m-%d %H:%M}"

    @property
    def close_time(self) -> datetime:
        return self.open_time + Timeframe(self.timeframe).duration
