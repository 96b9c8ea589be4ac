"""What is asked before a job is canceled or deleted."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet

from apps.common.console import ConfirmForm, relative_time
from apps.strategies.models import Backtest
from apps.strategies.selectors import backtests_of


class JobDialog(ConfirmForm):
    """Says what becomes of a job that is under way, or of one that is over; refuses the other."""

    needs_active: ClassVar[bool] = False
    active_text: ClassVar[str] = "It is under way; cancel it first."
    over_text: ClassVar[str] = ""

    def describe(self) -> list[tuple[str, object]]:
        self.may_submit = self.row.is_active == self.needs_active
        if self.row.is_active:
            self.consequence = self.active_text
        else:
            self.consequence = self.over_text or f"It is {self.row.get_status_display().lower()} already."
        return [("Name", self.row.name), ("Asked for", relative_time(self.row.created_at))]


class BacktestDialog(JobDialog):
    def rows(self) -> QuerySet[Backtest]:
        return backtests_of(self.request.user)


class CancelForm(BacktestDialog):
    """Ask before work is thrown away."""

    needs_active = True
    active_text = "It ends without a result; what it has worked out is lost."


class DeleteForm(BacktestDialog):
    """Ask before a result is gone."""

    over_text = "Its figures, trades and report are deleted for good."
