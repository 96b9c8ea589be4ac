"""How long candles are kept."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models

from algotrendy.trading.values import Timeframe
from apps.common.models import choices_of


class Retention(models.Model):
    """For one timeframe, after how many days candles are deleted; those of timeframes without a row are kept."""

    timeframe = models.CharField(max_length=3, choices=choices_of(Timeframe), unique=True)
    days = models.PositiveIntegerField(validators=[MinValueValidator(1)], help_text="Of market time, since its close.")

    class Meta:
        ordering = ["timeframe"]
        verbose_name_plural = "retention"

    def __str__(self) -> str:
        return f"{self.timeframe}: {self.days} days"
