"""The form that asks for an optimization: a backtest's form, with values to try instead of values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from algotrendy.trading.backtest.optimizing.objective import METRICS, Comparator
from algotrendy.trading.errors import TradingError
from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.base import ParameterSpec
from algotrendy.trading.strategies.base import Strategy as Rule
from apps.common.models import choices_of
from apps.strategies.backtest_form import SETUP, BacktestForm
from apps.strategies.forms import field_name
from apps.strategies.models import Optimization
from apps.strategies.searching import space_for

RANGE = re.compile(r"^\s*(-?[0-9.]+)\s*\.\.\s*(-?[0-9.]+)\s*(?:step\s+([0-9.]+))?\s*$")
NUMBER = re.compile(r"^-?[0-9]+(\.[0-9]+)?$")
SEARCH = ("search", "trial_limit", "seed", "metric", "walk", "choose_candles", "trade_candles")
METRIC_CHOICES = [(name, name.replace("_", " ").capitalize()) for name in METRICS]


def _field(spec: ParameterSpec) -> forms.Field:
    bounds = "True or false" if spec.kind is bool else f"{spec.minimum:,g} to {spec.maximum:,g}"
    return forms.CharField(
        label=spec.name.replace("_", " ").capitalize(),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text=f"{spec.description} {bounds}: a value, several like 5, 10, 20, or a range like 5..50 step 5.",
    )


class OptimizationForm(BacktestForm):
    """What is searched, and what is to be as good as possible."""

    @classmethod
    def fields_of(cls, rules: Iterable[type[Rule]]) -> dict[str, forms.Field]:
        """Return for each parameter that is no document a field that takes a value, several, or a range."""
        return {
            field_name(rule.name, spec.name): _field(spec)
            for rule in rules
            for spec in rule.parameters()
            if spec.kind in (int, float, bool)
        }

    metric = forms.ChoiceField(choices=METRIC_CHOICES, initial="sharpe", widget=UnfoldAdminSelectWidget())
    constraint_metric = forms.ChoiceField(
        label="But only where", required=False, choices=[("", "no condition"), *METRIC_CHOICES],
        widget=UnfoldAdminSelectWidget(),
    )  # fmt: skip
    constraint_comparator = forms.ChoiceField(
        label="is", required=False, choices=choices_of(Comparator), widget=UnfoldAdminSelectWidget()
    )
    constraint_value = forms.FloatField(label="this value", required=False, widget=UnfoldAdminTextInputWidget())

    class Meta(BacktestForm.Meta):
        model = Optimization
        fields = (*(name for name in SETUP if name != "as_live"), *SEARCH)
        labels: ClassVar[dict[str, str]] = {
            **BacktestForm.Meta.labels,
            "trial_limit": "Sets to try",
            "walk": "Walk forward",
            "choose_candles": "Choose on, candles",
            "trade_candles": "Trade, candles",
        }

    def clean(self) -> dict[str, Any]:
        cleaned = forms.ModelForm.clean(self) or self.cleaned_data
        if "rule" in cleaned and not self.errors:
            self._read_space(cleaned)
        if cleaned.get("walk") and not (cleaned.get("choose_candles") and cleaned.get("trade_candles")):
            self.add_error("choose_candles", "Say on how many candles to choose, and how many to trade.")
        return cleaned

    def asked(self) -> dict[str, Any]:
        """Return what the service is asked with."""
        given = self.cleaned_data
        asked = {**super().asked(), **{name: given[name] for name in SEARCH if given.get(name) not in (None, "")}}
        asked |= {"space": given["space"], "parameters": given["parameters"]}
        if given.get("constraint_metric") and given.get("constraint_value") is not None:
            names = ("metric", "comparator", "value")
            asked["constraints"] = [{name: given[f"constraint_{name}"] for name in names}]
        return asked

    def _read_space(self, cleaned: dict[str, Any]) -> None:
        """Turn the parameters' texts into `space` and `parameters`; one that cannot be read is its field's error."""
        cleaned["space"], cleaned["parameters"] = {}, {}
        for spec in registry.get(cleaned["rule"]).parameters():
            name = field_name(cleaned["rule"], spec.name)
            text = (cleaned.get(name) or "").strip()
            if not text:
                continue
            try:
                request = read_values(text)
            except ValueError as error:
                self.add_error(name, str(error))
                continue
            is_one = "values" in request and len(request["values"]) == 1
            cleaned["parameters" if is_one else "space"][spec.name] = request["values"][0] if is_one else request
        if not self.errors:
            self._check_space(cleaned)

    def _check_space(self, cleaned: dict[str, Any]) -> None:
        asked = Optimization(rule=cleaned["rule"], space=cleaned["space"], parameters=cleaned["parameters"])
        try:
            space_for(asked)
        except TradingError as error:
            names = [name for name in cleaned["space"] if error.message.startswith(name)]
            self.add_error(field_name(cleaned["rule"], names[0]) if names else "rule", error.message)


def read_values(text: str) -> dict[str, Any]:
    """Return a text as a request for values: `14`, `5, 10, 20`, `true, false`, `5..50 step 5`; raise ValueError."""
    if found := RANGE.match(text):
        low, high, step = found.groups()
        return {"low": _number(low), "high": _number(high), **({"step": _number(step)} if step else {})}
    return {"values": [_number(word) for word in text.split(",") if word.strip()]}


def write_values(request: dict[str, Any]) -> str:
    """Return a request for values as the text that asks for it."""
    if "values" in request:
        return ", ".join(str(value).lower() for value in request["values"])
    step = f" step {request['step']:g}" if "step" in request else ""
    return f"{request['low']:g}..{request['high']:g}{step}" if "low" in request and "high" in request else ""


def _number(word: str) -> int | float | bool:
    word = word.strip().lower()
    if word in ("true", "false"):
        return word == "true"
    if not NUMBER.match(word):
        raise ValueError(f"{word!r} is no number; write 14, or 5, 10, 20, or 5..50 step 5.")
    return float(word) if "." in word else int(word)
