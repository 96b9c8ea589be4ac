"""When markets that close are open."""

from __future__ import annotations

from django.db import models


class MarketSession(models.Model):
    """One trading day of a calendar: what it is called, and from when to when it trades."""

    calendar = models.CharField(max_length=12)
    date = models.DateField(help_text="The day by which the session is called, and its daily candle.")
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()

    class Meta:
        ordering = ["calendar", "date"]
        constraints = [models.UniqueConstraint(fields=["calendar", "date"], name="session_once_per_day")]
        indexes = [models.Index(fields=["calendar", "opens_at"], name="session_by_time")]

    def __str__(self) -> str:
        return f"{self.calendar} {self.date}"
