"""Backtests: what was asked, how far it is, and what came of it."""

from __future__ import annotations

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from algotrendy.trading.backtest.config import FillAt, SizingRule
from algotrendy.trading.backtest.verdicts import Verdict
from algotrendy.trading.signals import Direction
from algotrendy.trading.values import Timeframe
from apps.common.fields import AmountField, PercentField
from apps.common.models import choices_of
from apps.marketdata.models import Instrument

from .configured import Strategy
from .jobs import Job

AT_LEAST_NOTHING = MinValueValidator(Decimal(0))
AT_MOST_A_TENTH = MaxValueValidator(Decimal("0.1"))
ABOVE_NOTHING = MinValueValidator(Decimal("0.00000001"))


class TradeSetup(models.Model):
    """What is traded, when, and what is made of a rule's signals: the words of a backtest's configuration."""

    rule = models.CharField(max_length=64)
    parameters = models.JSONField(default=dict, blank=True)
    instruments = models.ManyToManyField(Instrument, related_name="+")
    timeframe = models.CharField(max_length=3, choices=choices_of(Timeframe))
    source = models.CharField(max_length=16, help_text="Whose candles are traded.")
    start = models.DateTimeField(null=True, blank=True, help_text="First candle, UTC; empty for the oldest.")
    end = models.DateTimeField(null=True, blank=True, help_text="End, not included, UTC; empty for the newest.")
    direction = models.CharField(max_length=16, choices=choices_of(Direction), default=Direction.LONG_ONLY)
    sizing_rule = models.CharField(max_length=24, choices=choices_of(SizingRule), default=SizingRule.PERCENT_OF_EQUITY)
    sizing_value = AmountField(
        default=Decimal(5), validators=[ABOVE_NOTHING], help_text="Percent, or a quantity where that is fixed."
    )
    min_confidence = models.FloatField(default=0.0, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)])
    protect = models.BooleanField(default=True, help_text="Use the rule's own stops and targets where it names them.")
    stop_percent = PercentField(default=Decimal(5), help_text="From the entry, where the rule names none; 0 for none.")
    target_percent = PercentField(
        default=Decimal(10), help_text="From the entry, where the rule names none; 0 for none."
    )
    trail_percent = PercentField(default=Decimal(0), help_text="Trailing stop; 0 for none.")
    limit_percent = PercentField(default=Decimal(0), help_text="Enter by a limit so much better; 0 is at market.")
    limit_candles = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1)], help_text="For how many candles the limit rests."
    )
    initial_cash = AmountField(default=Decimal(10_000), validators=[ABOVE_NOTHING])
    commission_rate = AmountField(
        default=Decimal("0.001"),
        validators=[AT_LEAST_NOTHING, AT_MOST_A_TENTH],
        help_text="Share of a fill's value: 0.001 is 0.1 %.",
    )
    slippage_rate = AmountField(
        default=Decimal("0.0005"),
        validators=[AT_LEAST_NOTHING, AT_MOST_A_TENTH],
        help_text="Share of the price that a market or stop order pays more.",
    )
    fill_at = models.CharField(max_length=10, choices=choices_of(FillAt), default=FillAt.NEXT_OPEN)
    risk_limits = models.BooleanField(
        "risk limits", default=False, help_text="Hold each order against the limits of a new portfolio."
    )
    as_live = models.BooleanField(
        default=False, help_text="Ask the rule on each candle through the window that a live run sees; slower."
    )

    class Meta:
        abstract = True

    def clean(self) -> None:
        if self.start and self.end and self.start >= self.end:
            raise ValidationError({"end": "The end must be after the start."}, code="invalid_period")


class Backtest(Job, TradeSetup):
    """A rule traded over stored candles in an account of its own.

    The figures that lists show and sort by are columns; all of them, with months, exits and the honesty report, are
    in the result.
    """

    strategy = models.ForeignKey(Strategy, on_delete=models.SET_NULL, null=True, blank=True, related_name="backtests")
    verdict = models.CharField(max_length=8, choices=choices_of(Verdict), blank=True)
    final_equity = models.FloatField(null=True, blank=True)
    total_return = models.FloatField(null=True, blank=True, help_text="Share of the initial cash.")
    annual_return = models.FloatField(null=True, blank=True)
    sharpe = models.FloatField(null=True, blank=True)
    max_drawdown = models.FloatField(null=True, blank=True)
    profit_factor = models.FloatField(null=True, blank=True)
    win_rate = models.FloatField(null=True, blank=True)
    trade_count = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["owner", "-created_at"], name="backtest_by_owner")]

    def __str__(self) -> str:
        return self.name


class BacktestResult(models.Model):
    """What came of a backtest. Columns of numbers are compressed arrays (`apps.strategies.arrays`)."""

    backtest = models.OneToOneField(Backtest, on_delete=models.CASCADE, related_name="result", primary_key=True)
    figures = models.JSONField(help_text="Every figure; null where there is none.")
    curve = models.BinaryField(help_text="time, equity, cash, held: one row for each candle.")
    trades = models.BinaryField(help_text="One row for each trade, by the time of its exit.")
    report = models.BinaryField(help_text="The page for people, compressed.")

    def __str__(self) -> str:
        return f"Result of {self.backtest_id}"
