"""How requests name an instrument."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import serializers

from algotrendy.trading.errors import TradingError
from apps.marketdata.models import Instrument, validate_symbol
from apps.marketdata.selectors import instrument_get


class InstrumentField(serializers.CharField):
    """An instrument by its symbol."""

    def to_internal_value(self, data: Any) -> Instrument:  # type: ignore[override]
        symbol = super().to_internal_value(data).upper()
        try:
            validate_symbol(symbol)
            return instrument_get(symbol)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages, code="invalid_symbol") from error
        except TradingError as error:
            raise serializers.ValidationError(error.message, code=error.code) from error

    def to_representation(self, value: Instrument) -> str:  # type: ignore[override]
        return value.symbol
