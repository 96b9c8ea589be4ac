"""What a strategy's actions will do, said before it is done."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from algotrendy.trading.values import Timeframe
from apps.common.console import ConfirmForm, amount
from apps.common.models import choices_of
from apps.marketdata.models import Instrument
from apps.portfolio.models import Portfolio
from apps.portfolio.selectors import portfolios_of, position_held
from apps.strategies.admin.words import changes_shown, rule_title, size_of
from apps.strategies.models import Strategy, StrategyVersion
from apps.strategies.selectors import changes_between, has_traded, settings_of, strategies_of, versions_of
from apps.strategies.services.duplicating import LONGEST_NAME, free_name


class StrategyDialog(ConfirmForm):
    def rows(self) -> QuerySet[Strategy]:
        return strategies_of(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        strategy: Strategy = self.row
        return [
            ("Strategy", strategy.name),
            ("Rule", rule_title(strategy)),
            ("Trades", f"{strategy.instrument} {strategy.timeframe} in {strategy.portfolio}"),
            ("Size of an entry", size_of(strategy)),
        ]


class EnableForm(StrategyDialog):
    """Ask before a strategy trades by itself."""

    def describe(self) -> list[tuple[str, object]]:
        if self.row.enabled:
            self.may_submit, self.consequence = False, "The strategy is enabled already."
        else:
            self.consequence = "It places orders by itself from the next finished candle on."
        return super().describe()


class DisableForm(StrategyDialog):
    """Ask before a strategy falls silent, and say what it leaves behind."""

    def describe(self) -> list[tuple[str, object]]:
        strategy: Strategy = self.row
        held = position_held(strategy.portfolio, strategy.instrument_id, strategy.slug)
        if not strategy.enabled:
            self.may_submit, self.consequence = False, "The strategy is disabled already."
        elif held is None:
            self.consequence = "It gives no more signals. It holds no position."
        else:
            size = amount(abs(held.quantity), strategy.instrument.quantity_decimals)
            self.consequence = (
                f"It gives no more signals. Its {held.side} position of {size} {strategy.instrument} stays open, "
                "with its stop loss and take profit."
            )
        return super().describe()


class DuplicateForm(StrategyDialog):
    """Ask where the copy goes; what is left as it is shown is as for the strategy itself."""

    name = forms.CharField(max_length=LONGEST_NAME, required=False, widget=UnfoldAdminTextInputWidget())
    portfolio = forms.ModelChoiceField(Portfolio.objects.none(), required=False, widget=UnfoldAdminSelectWidget())
    instrument = forms.ModelChoiceField(Instrument.objects.none(), required=False, widget=UnfoldAdminSelectWidget())
    timeframe = forms.ChoiceField(choices=choices_of(Timeframe), required=False, widget=UnfoldAdminSelectWidget())
    consequence = "The copy has the same rule and settings. It starts disabled."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The page behind the dialog has fields of the same names.
        super().__init__(*args, **{**kwargs, "auto_id": "copy_%s"})
        strategy: Strategy = self.row
        portfolios: Any = self.fields["portfolio"]
        portfolios.queryset = portfolios_of(self.request.user).filter(is_simulation=False)
        instruments: Any = self.fields["instrument"]
        instruments.queryset = Instrument.objects.filter(is_active=True).order_by("symbol")
        shown = {
            "name": free_name(strategy.portfolio, strategy.name),
            "portfolio": strategy.portfolio_id,
            "instrument": strategy.instrument_id,
            "timeframe": strategy.timeframe,
        }
        for name, value in shown.items():
            self.fields[name].initial = value

    @property
    def asked(self) -> dict[str, Any]:
        """What was filled in, for the service."""
        return {name: self.cleaned_data[name] for name in ("name", "portfolio", "instrument", "timeframe")}


class DeleteForm(StrategyDialog):
    """Say whether the strategy goes for good or into the archive."""

    def describe(self) -> list[tuple[str, object]]:
        strategy: Strategy = self.row
        if strategy.is_archived:
            self.may_submit, self.consequence = False, "The strategy is in the archive already."
        elif strategy.enabled:
            self.may_submit, self.consequence = False, "The strategy is enabled; disable it first."
        elif has_traded(strategy):
            self.consequence = "It has traded, so it goes into the archive: its orders and positions keep its name."
        else:
            self.consequence = "It never traded: it is deleted for good, with its history and its signals."
        return super().describe()


class UnarchiveForm(StrategyDialog):
    """Ask before a strategy comes back."""

    def describe(self) -> list[tuple[str, object]]:
        if self.row.is_archived:
            self.consequence = "It is listed again, and stays disabled."
        else:
            self.may_submit, self.consequence = False, "The strategy is not in the archive."
        return super().describe()


class RestoreForm(ConfirmForm):
    """Say what going back to an older version changes."""

    def rows(self) -> QuerySet[StrategyVersion]:
        return versions_of(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        version: StrategyVersion = self.row
        strategy = version.strategy
        changes = changes_between(settings_of(strategy), version.settings)
        if not changes:
            self.may_submit, self.consequence = False, "The strategy is like this already."
        else:
            when = "Its next run uses it." if strategy.enabled else "It stays disabled."
            self.consequence = f"This becomes version {strategy.version + 1}. {when}"
        return [("Strategy", strategy.name), ("Version", version.number), *changes_shown(changes)]
