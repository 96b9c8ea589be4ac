"""Decimal columns of one precision for every price, quantity and amount."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


class AmountField(models.DecimalField):  # type: ignore[type-arg]
    """A price, quantity or amount of money: 20 digits before the point, 8 after it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = 28
        kwargs["decimal_places"] = 8
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs


class PercentField(models.DecimalField):  # type: ignore[type-arg]
    """A share of a whole in percent, 0 to 1,000, with 4 decimals."""

    default_validators = [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1000))]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = 8
        kwargs["decimal_places"] = 4
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs
