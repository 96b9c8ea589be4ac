"""What is asked before a backtest is canceled or deleted."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.common.console import ConfirmForm, relative_time
from apps.strategies.models import Backtest
from apps.strategies.selectors import backtests_of


class BacktestDialog(ConfirmForm):
    def rows(self) -> QuerySet[Backtest]:
        return backtests_of(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        return [("Backtest", self.row.name), ("Asked for", relative_time(self.row.created_at))]


class CancelForm(BacktestDialog):
    """Ask before work is thrown away."""

    def describe(self) -> list[tuple[str, object]]:
        if self.row.is_active:
            self.consequence = "It ends without a result; what it has worked out is lost."
        else:
            self.may_submit, self.consequence = False, f"It is {self.row.get_status_display().lower()} already."
        return super().describe()


class DeleteForm(BacktestDialog):
    """Ask before a result is gone."""

    def describe(self) -> list[tuple[str, object]]:
        if self.row.is_active:
            self.may_submit, self.consequence = False, "It is under way; cancel it first."
        else:
            self.consequence = "Its figures, trades and report are deleted for good."
        return super().describe()
