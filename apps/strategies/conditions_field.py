"""The form field of a strategy made of conditions: an editor in the browser, a checked document here."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from algotrendy.trading import catalog
from algotrendy.trading.errors import InvalidParameter
from algotrendy.trading.strategies.rulebook import Comparison, read, written


class ConditionsWidget(forms.Textarea):
    """A text of JSON that the page's script puts its editor in place of."""

    class Media:
        js = ("algotrendy/js/conditions.js",)

    def format_value(self, value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value or {})

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Render by the project's own templates; the form renderer knows only those of applications."""
        attributes = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        context = {"attributes": flatatt(attributes), "value": self.format_value(value), "known": known()}
        return render_to_string("strategies/conditions_widget.html", context)


class ConditionsField(forms.CharField):
    """Gives the document in its one form; a document that cannot be is refused with the place."""

    widget = ConditionsWidget

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        try:
            return written(read(json.loads(value) if isinstance(value, str) else value))
        except ValueError as error:
            raise forms.ValidationError("The conditions are no valid JSON.", code="invalid") from error
        except InvalidParameter as error:
            raise forms.ValidationError(error.message, code=error.code) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        return True


def known() -> dict[str, Any]:
    """Return what the editor offers: columns, comparisons, and every indicator with its parameters."""
    return {
        "columns": list(catalog.PRICES),
        "comparisons": [word.value for word in Comparison],
        "indicators": [
            {
                "name": each.name,
                "title": each.title,
                "group": each.group,
                "outputs": list(each.outputs),
                "of": each.of,
                "parameters": [
                    {
                        "name": spec.name,
                        "whole": spec.kind is int,
                        "default": spec.default,
                        "minimum": spec.minimum,
                        "maximum": spec.maximum,
                    }
                    for spec in each.parameters
                ],
            }
            for each in catalog.all_indicators()
        ],
    }
