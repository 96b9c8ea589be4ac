"""How strategies trade beside their backtests."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from apps.common.fields import AmountField

from .configured import Strategy


class StrategyPerformance(models.Model):
    """A strategy's trades of a period beside those that a backtest of the same period makes.

    Trades are the same where they were entered on the same candle, on the same side. Profits are net of fees, what is
    still open is valued at the period's last close. `drift_percent` is live less backtest, of the account's worth when
    the period began.
    """

    id = models.BigAutoField(primary_key=True)
    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="performance")
    strategy_version = models.PositiveIntegerField()
    period_start = models.DateTimeField(help_text="Market time: when the first candle opened.")
    period_end = models.DateTimeField(help_text="Market time: when the last candle closed.")
    candles = models.PositiveIntegerField()
    live_trades = models.PositiveIntegerField(help_text="Those that are still open included.")
    backtest_trades = models.PositiveIntegerField(help_text="Those that are still open included.")
    matched_trades = models.PositiveIntegerField(help_text="Entered on the same candle and side in both.")
    matched_share = models.FloatField(help_text="Matched trades of all trades of either, 0 to 1; 1 without trades.")
    live_pnl = AmountField(help_text="Net of fees.")
    backtest_pnl = AmountField(help_text="Net of fees.")
    account = AmountField(help_text="What the account was worth when the period began.")
    drift_percent = models.DecimalField(
        max_digits=14, decimal_places=4, default=Decimal(0), help_text="Live less backtest, of the account."
    )
    details = models.JSONField(help_text="Missing, extra and differing trades.")
    computed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "strategy performance"
        verbose_name_plural = "strategy performance"
        ordering = ["-computed_at", "-id"]
        indexes = [models.Index(fields=["strategy", "-computed_at", "-id"], name="strategy_performance_newest")]

    def __str__(self) -> str:
        return f"{self.strategy_id} until {self.period_end:%Y-%m-%d %H:%M}: {self.drift_percent} %"
