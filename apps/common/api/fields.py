"""Figures and times in one form, in and out."""

from __future__ import annotations

import re
from datetime import UTC
from decimal import Decimal
from typing import Any

from rest_framework import serializers

NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,4})?", re.ASCII)


class AmountField(serializers.DecimalField):
    """A price, quantity or amount: in as a number or a string, out as a plain string without needless zeros."""

    default_error_messages = {"invalid": "Give a finite decimal number.", "max_string_length": "Too many digits."}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 28)
        kwargs.setdefault("decimal_places", 8)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, str | int | float | Decimal):
            self.fail("invalid")
        if isinstance(data, str) and not NUMBER.fullmatch(data.strip()):
            self.fail("invalid")
        return super().to_internal_value(data)

    def to_representation(self, value: Decimal) -> str:
        return plain(value)


def plain(value: Decimal) -> str:
    """Return the number in fixed-point form without trailing zeros: 1.50000000 is 1.5, 1E+3 is 1000."""
    return f"{value.normalize():f}" if value else "0"


class UtcDateTimeField(serializers.DateTimeField):
    """A time in ISO 8601, given out in UTC with Z; one that comes without a zone is taken as UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)
