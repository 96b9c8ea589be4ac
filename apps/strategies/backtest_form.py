"""The form that asks for a backtest."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any, ClassVar

from django import forms
from unfold.widgets import UnfoldAdminSelect2MultipleWidget, UnfoldAdminTextInputWidget

from apps.marketdata.models import Instrument
from apps.marketdata.selectors import series_list
from apps.strategies.forms import RuleForm, field_name
from apps.strategies.models import Backtest

SETUP = (
    "name", "instruments", "timeframe", "start", "end", "direction", "sizing_rule", "sizing_value", "min_confidence",
    "protect", "stop_percent", "target_percent", "trail_percent", "limit_percent", "limit_candles", "initial_cash",
    "commission_rate", "slippage_rate", "fill_at", "risk_limits", "as_live",
)  # fmt: skip
DAY = {"type": "date"}


class BacktestForm(RuleForm):
    """A rule with its parameters, what it trades, when, and what it costs."""

    name = forms.CharField(
        max_length=120, required=False, widget=UnfoldAdminTextInputWidget(), help_text="Empty takes rule and symbols."
    )
    instruments = forms.ModelMultipleChoiceField(
        Instrument.objects.none(), widget=UnfoldAdminSelect2MultipleWidget(), help_text="Several share one account."
    )
    start = forms.DateField(
        label="From", required=False, widget=UnfoldAdminTextInputWidget(attrs=DAY), help_text="Empty is the oldest."
    )
    end = forms.DateField(
        label="To", required=False, widget=UnfoldAdminTextInputWidget(attrs=DAY), help_text="Not included; UTC."
    )

    class Meta:
        model = Backtest
        fields = SETUP
        labels: ClassVar[dict[str, str]] = {
            "sizing_rule": "Size of an entry",
            "sizing_value": "Percent, or quantity",
            "min_confidence": "Least confidence",
            "protect": "The rule's stops and targets",
            "stop_percent": "Stop loss, %",
            "target_percent": "Take profit, %",
            "trail_percent": "Trailing stop, %",
            "limit_percent": "Limit entry, % better",
            "limit_candles": "Limit rests, candles",
            "commission_rate": "Commission",
            "slippage_rate": "Slippage",
            "fill_at": "Market orders fill at",
            "as_live": "As live",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "timeframe" not in self.fields:  # shown, not asked for
            return
        stored = series_list()
        symbols = {series.symbol for series in stored}
        frames = {series.timeframe.value for series in stored}
        self.fields["instruments"].queryset = Instrument.objects.filter(symbol__in=symbols)  # type: ignore[attr-defined]
        known = [choice for choice in self.fields["timeframe"].choices if choice[0] in frames]  # type: ignore[attr-defined]
        self.fields["timeframe"].choices = known or self.fields["timeframe"].choices  # type: ignore[attr-defined]

    def clean_start(self) -> datetime | None:
        return _midnight(self.cleaned_data["start"])

    def clean_end(self) -> datetime | None:
        return _midnight(self.cleaned_data["end"])

    def asked(self) -> dict[str, Any]:
        """Return what the service is asked with."""
        given = {name: self.cleaned_data[name] for name in SETUP if self.cleaned_data.get(name) is not None}
        return {
            **given,
            "instruments": list(self.cleaned_data["instruments"]),
            "rule": self.cleaned_data["rule"],
            "parameters": self.cleaned_data["parameters"],
        }


def initial_of(setup: dict[str, Any]) -> dict[str, Any]:
    """Return a setup as the form's first values."""
    parameters = {field_name(setup["rule"], name): value for name, value in setup["parameters"].items()}
    days = {name: setup[name].date() for name in ("start", "end") if setup.get(name)}
    return {**{name: value for name, value in setup.items() if name != "parameters"}, **parameters, **days}


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)
