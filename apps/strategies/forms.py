"""The strategy's form: a real field for each parameter of each rule, made from the rules' own specification."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from algotrendy.trading.errors import TradingError
from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.base import ParameterSpec
from algotrendy.trading.strategies.base import Strategy as Rule
from apps.strategies.conditions_field import ConditionsField
from apps.strategies.models import SizingMode, Strategy

SEPARATOR = "__"
UNBOUNDED = 1e6
"""A limit from here on only keeps numbers finite; it is not worth a word."""


def field_name(rule: str, parameter: str) -> str:
    return f"{rule}{SEPARATOR}{parameter}"


def parameter_fields(rules: Iterable[type[Rule]]) -> dict[str, forms.Field]:
    """Return a form field for each parameter of each rule."""
    return {field_name(rule.name, spec.name): _field(spec) for rule in rules for spec in rule.parameters()}


def form_of(form: type[RuleForm]) -> type[RuleForm]:
    """Return the form with the parameters of the rules that there are now: files bring new ones while we run."""
    return _form_of(form, registry.all_strategies())


@lru_cache(maxsize=8)
def _form_of(form: type[RuleForm], rules: tuple[type[Rule], ...]) -> type[RuleForm]:
    return type(form)(form.__name__, (form,), {"__doc__": form.__doc__, **form.fields_of(rules)})


def conditions() -> dict[str, str]:
    """Return when each parameter's field is shown, for Unfold: while its rule is chosen."""
    return {
        field_name(rule.name, spec.name): f"rule == '{rule.name}'"
        for rule in registry.all_strategies()
        for spec in rule.parameters()
    }


def _field(spec: ParameterSpec) -> forms.Field:
    label = spec.name.replace("_", " ").capitalize()
    if spec.kind is dict:
        return ConditionsField(label=label, required=False, help_text=spec.description)
    if spec.kind is bool:
        return forms.BooleanField(
            label=label, required=False, help_text=spec.description, widget=UnfoldBooleanSwitchWidget()
        )
    help_text = f"{spec.description} {_range(spec)}; empty takes {spec.default:g}."
    options: dict[str, Any] = {
        "label": label,
        "required": False,
        "min_value": spec.minimum,
        "max_value": spec.maximum,
        "help_text": help_text,
    }
    if spec.kind is int:
        return forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget(), **options)
    return forms.FloatField(widget=UnfoldAdminIntegerFieldWidget(attrs={"step": "any"}), **options)


def _range(spec: ParameterSpec) -> str:
    if spec.maximum is not None and spec.maximum >= UNBOUNDED:
        return f"At least {spec.minimum:g}"
    return f"{spec.minimum:,g} to {spec.maximum:,g}"


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Check a rule with its parameters before anything is saved; `parameters` of the cleaned data are complete."""

    rule = forms.ChoiceField(widget=UnfoldAdminSelectWidget(), help_text="What decides when to buy and to sell.")

    @classmethod
    def fields_of(cls, rules: Iterable[type[Rule]]) -> dict[str, forms.Field]:
        """Return the fields of the rules' parameters."""
        return parameter_fields(rules)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "rule" in self.fields:
            rules = registry.all_strategies()
            self.fields["rule"].choices = [(rule.name, f"{rule.title}: {rule.summary}") for rule in rules]  # type: ignore[attr-defined]
        for rule in registry.all_strategies():
            kept = self.instance.parameters if self.instance.rule == rule.name else {}
            for spec in rule.parameters():
                self.initial.setdefault(field_name(rule.name, spec.name), kept.get(spec.name, spec.default))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "rule" in cleaned and not self.errors:
            cleaned["parameters"] = self._parameters(cleaned["rule"], cleaned)
        return cleaned

    def _parameters(self, rule: str, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        specs = registry.get(rule).parameters()
        given = {spec.name: cleaned.get(field_name(rule, spec.name)) for spec in specs}
        values = {spec.name: spec.default if given[spec.name] is None else given[spec.name] for spec in specs}
        try:
            registry.build(rule, values)
        except TradingError as error:
            self.add_error(field_name(rule, specs[0].name) if specs else "rule", error.message)
        return values


class StrategyForm(RuleForm):
    """A strategy: its rule, and what is made of its signals."""

    name = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget())

    class Meta:
        model = Strategy
        exclude = ["parameters", "slug", "enabled", "last_run_at", "last_error"]  # noqa: DJ006 - the rest is asked for

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self._require_stop(cleaned)
        self._require_common_currency(cleaned)
        self._require_free_name(cleaned)
        return cleaned

    def _require_stop(self, cleaned: Mapping[str, Any]) -> None:
        if cleaned.get("sizing_mode") == SizingMode.RISK_PERCENT and not cleaned.get("protect"):
            self.add_error("sizing_mode", "A size by the risk wants a stop loss: switch the protection on.")

    def _require_common_currency(self, cleaned: Mapping[str, Any]) -> None:
        portfolio, instrument = cleaned.get("portfolio"), cleaned.get("instrument")
        if portfolio and instrument and portfolio.base_currency != instrument.quote_currency:
            self.add_error(
                "instrument",
                f"{instrument} is quoted in {instrument.quote_currency}, {portfolio} is in {portfolio.base_currency}.",
            )

    def _require_free_name(self, cleaned: Mapping[str, Any]) -> None:
        if self.instance._state.adding:
            return
        others = Strategy.objects.filter(portfolio=self.instance.portfolio_id).exclude(pk=self.instance.pk)
        if others.filter(name=cleaned.get("name")).exists():
            self.add_error("name", "Another strategy of this portfolio has the name.")
