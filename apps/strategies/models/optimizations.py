"""Optimizations: what is searched, the pieces that workers take, and every trial."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from algotrendy.trading.backtest.optimizing.folds import Walk
from algotrendy.trading.backtest.optimizing.outcomes import Status
from algotrendy.trading.backtest.optimizing.searching import Search
from apps.common.models import choices_of

from .backtests import Backtest, TradeSetup
from .configured import Strategy
from .jobs import Job, JobStatus


class Optimization(Job, TradeSetup):
    """A search for the parameters that would have done best; with `walk` one for each stretch, traded on the next.

    `parameters` are those that are not searched. `space` says for each searched one its values, or low, high and step.
    """

    search = models.CharField(max_length=8, choices=choices_of(Search), default=Search.GRID)
    space = models.JSONField()
    metric = models.CharField(max_length=40, default="sharpe")
    maximize = models.BooleanField(null=True, blank=True, help_text="Empty takes the better direction of the metric.")
    constraints = models.JSONField(default=list, blank=True)
    trial_limit = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="How many sets are tried; a grid tries all."
    )
    seed = models.PositiveIntegerField(default=1, validators=[MaxValueValidator(2**31 - 1)])
    walk = models.CharField(max_length=8, choices=choices_of(Walk), blank=True, help_text="Empty for a plain search.")
    choose_candles = models.PositiveIntegerField(null=True, blank=True, help_text="Candles that a choice is made on.")
    trade_candles = models.PositiveIntegerField(null=True, blank=True, help_text="Candles that it is traded on.")
    strategy = models.ForeignKey(Strategy, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    planned = models.PositiveIntegerField(default=0, help_text="Trials in all.")
    done = models.PositiveIntegerField(default=0, help_text="Trials that are over.")
    best_parameters = models.JSONField(null=True, blank=True)
    best_value = models.FloatField(null=True, blank=True)
    best_backtest = models.OneToOneField(
        Backtest, on_delete=models.SET_NULL, null=True, blank=True, related_name="optimization"
    )
    result = models.JSONField(null=True, blank=True)
    curve = models.BinaryField(null=True, blank=True, help_text="A walk's stitched equity.")

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["owner", "-created_at"], name="optimization_by_owner")]

    def __str__(self) -> str:
        return self.name


class Piece(models.Model):
    """A part of an optimization that one worker does: some trials, or a fold; done again where it was lost."""

    optimization = models.ForeignKey(Optimization, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    points = models.JSONField(help_text="The trials' points; of a fold its borders.")
    size = models.PositiveIntegerField(help_text="Trials in it.")
    status = models.CharField(max_length=10, choices=JobStatus.choices, default=JobStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    curve = models.BinaryField(null=True, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["optimization", "number"], name="piece_once_by_number")]

    def __str__(self) -> str:
        return f"Piece {self.number} of {self.optimization_id}"


class Trial(models.Model):
    """A parameter set that was tried, and what came of it."""

    optimization = models.ForeignKey(Optimization, on_delete=models.CASCADE, related_name="trials")
    number = models.PositiveIntegerField()
    point = ArrayField(models.PositiveIntegerField(), help_text="Which value of each searched parameter.")
    parameters = models.JSONField()
    status = models.CharField(max_length=8, choices=choices_of(Status))
    message = models.CharField(max_length=300, blank=True)
    objective = models.FloatField(null=True)
    worth = models.FloatField(null=True, help_text="The objective as something to be as large as possible.")
    figures = models.JSONField(default=dict)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["optimization", "number"], name="trial_once_by_number")]
        indexes = [models.Index(fields=["optimization", "-worth"], name="trial_by_worth")]

    def __str__(self) -> str:
        return f"Trial {self.number}"
