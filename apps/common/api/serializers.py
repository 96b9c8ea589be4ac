"""Serializers that take no field they do not know and give figures and times in one form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from django.db import models
from rest_framework import serializers

from apps.common.prepared import Given, Prepared

from .fields import AmountField, UtcDateTimeField, plain
from .outlines import Outline, outline_of

__all__ = [
    "AmountField",
    "JSONObjectField",
    "OwnedField",
    "RowSerializer",
    "StrictSerializer",
    "UtcDateTimeField",
    "plain",
]
NULL_CHARACTER = re.compile(r"(?<!\\)(\\\\)*\\u0000")
MAX_JSON = 5000


class JSONObjectField(serializers.DictField):
    """A JSON object that PostgreSQL can keep, of at most 5,000 characters."""

    default_error_messages = {
        "too_long": "The object is longer than {max_length} characters.",
        "unfit": "A number in it is too large, or it is nested too deeply.",
        "characters": "Null characters and lone surrogates cannot be kept.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            self.fail("not_a_dict", input_type=type(data).__name__)
        try:
            text = json.dumps(data, default=float, ensure_ascii=False, allow_nan=False)
        except (ValueError, RecursionError):
            self.fail("unfit")
        if len(text) > MAX_JSON:
            self.fail("too_long", max_length=MAX_JSON)
        if NULL_CHARACTER.search(text) or any("\ud800" <= character <= "\udfff" for character in text):
            self.fail("characters")
        plain_object: dict[str, Any] = json.loads(text)
        return plain_object


class StrictSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """An input: a field that it does not know is refused, for a typing error must not place another order."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - {field.field_name for field in self._writable_fields} if isinstance(data, Mapping) else ()
        refusals = {
            str(name): [serializers.ErrorDetail("There is no such field.", "unknown_field")] for name in unknown
        }
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            found = error.detail if isinstance(error.detail, dict) else {}
            raise serializers.ValidationError({**found, **refusals}) from error
        if refusals:
            raise serializers.ValidationError(refusals)
        return values


class RowSerializer(serializers.ModelSerializer):  # type: ignore[type-arg]
    """An output: a row's explicit fields, figures as strings and times in UTC.

    Where its fields allow it, rows are given out by an outline of them. `Meta.reads` names, for a property of the
    model, the columns that it reads, so that lists need no more than those.
    """

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DecimalField: AmountField,
        models.DateTimeField: UtcDateTimeField,
    }

    @classmethod
    def outline(cls) -> Outline | None:
        """Return how rows are given out fast; None where the serializer must do its work itself."""
        return outline_of(cls) if cls.to_representation is RowSerializer.to_representation else None

    def to_representation(self, instance: Any) -> Any:
        outline = self.outline()
        return super().to_representation(instance) if outline is None else outline.of_instance(instance)


class OwnedField(serializers.PrimaryKeyRelatedField):  # type: ignore[type-arg]
    """A reference to a row that the calling user may see; another's row is as good as missing."""

    def __init__(self, *, selector: Callable[[Any], models.QuerySet[Any]], what: str, **kwargs: Any) -> None:
        self.selector = selector
        messages: dict[str, Any] = {"does_not_exist": f"There is no such {what}.", "incorrect_type": "Give an id."}
        super().__init__(
            queryset=models.QuerySet(), pk_field=serializers.UUIDField(), error_messages=messages, **kwargs
        )

    def get_queryset(self) -> models.QuerySet[Any]:
        return self.selector(self.context["request"].user)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool):
            self.fail("incorrect_type", data_type=type(data).__name__)
        key, user = self.pk_field.to_internal_value(data), self.context["request"].user
        found = _owned(self.selector, user.is_admin).first(pk=key, caller=user.pk)
        if found is None:
            self.fail("does_not_exist", pk_value=data)
        return found


class _Caller(Given):
    """Stands for the calling user while a selector's query is put together."""

    def __init__(self, *, is_admin: bool) -> None:
        super().__init__("caller")
        self.is_admin = is_admin


@cache
def _owned(selector: Callable[[Any], models.QuerySet[Any]], is_admin: bool) -> Prepared[Any]:
    return Prepared(lambda: selector(_Caller(is_admin=is_admin)).filter(pk=Given("pk")))
