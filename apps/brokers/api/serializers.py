"""What connections show and take; of a key they show its last characters, and never more."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from apps.brokers.models import BrokerConnection, BrokerKind, MarketType
from apps.brokers.services.credentials import LONGEST
from apps.common.api.serializers import AmountField, RowSerializer, StrictSerializer, UtcDateTimeField


class ConnectionTestSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """The last test: `ok` is null while none has ended since `asked_at`; rights are null where the venue is silent."""

    ok = serializers.BooleanField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField()
    can_read = serializers.BooleanField(allow_null=True)
    can_trade = serializers.BooleanField(allow_null=True)
    can_withdraw = serializers.BooleanField(allow_null=True)
    is_ip_restricted = serializers.BooleanField(allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())
    rests = serializers.ListField(child=serializers.CharField(), help_text="Types of order that rest at the venue.")
    asked_at = UtcDateTimeField(allow_null=True)


class ConnectionSerializer(RowSerializer):
    owner = serializers.CharField(source="owner.username", read_only=True)
    money = serializers.CharField(read_only=True, help_text="paper, sandbox, live, or off: no order goes out.")
    test = ConnectionTestSerializer(source="test_told", read_only=True)

    class Meta:
        model = BrokerConnection
        fields = [
            "id", "name", "owner", "kind", "exchange", "market_type", "sandbox", "is_live", "is_active", "money",
            "has_credentials", "key_hint", "credentials_at", "tested_at", "test", "commission_rate", "slippage_rate",
            "volume_share", "latency_ms", "seed", "funding_rate", "created_at", "updated_at",
        ]  # fmt: skip


def _share(most: str = "0.1", places: int = 6, **kwargs: Any) -> AmountField:
    return AmountField(
        min_value=Decimal(0), max_value=Decimal(most), max_digits=8, decimal_places=places, required=False, **kwargs
    )


class PaperSerializer(StrictSerializer):
    """The paper venue's own settings."""

    commission_rate = _share(help_text="Fee as a share of each fill's value.")
    slippage_rate = _share()
    volume_share = _share("1", 4, help_text="How much of a candle's volume an order may take; 0 for no limit.")
    latency_ms = serializers.IntegerField(min_value=0, max_value=3_600_000, required=False)
    seed = serializers.IntegerField(min_value=0, max_value=2_147_483_647, required=False)
    funding_rate = _share()


class ConnectionCreateSerializer(PaperSerializer):
    name = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=BrokerKind.choices, default=BrokerKind.PAPER)
    exchange = serializers.SlugField(max_length=32, required=False, help_text="ccxt's id of it, such as binance.")
    market_type = serializers.ChoiceField(choices=MarketType.choices, default=MarketType.SPOT)
    sandbox = serializers.BooleanField(required=False, help_text="The exchange's test network; on unless told.")


class ConnectionChangeSerializer(PaperSerializer):
    name = serializers.CharField(max_length=100, required=False)
    is_active = serializers.BooleanField(required=False)
    is_live = serializers.BooleanField(required=False, help_text="Trades real money; the owner alone may say so.")
    sandbox = serializers.BooleanField(required=False)


class CredentialsSerializer(StrictSerializer):
    """A key as the exchange gave it out; none of it is ever shown again."""

    key = serializers.CharField(max_length=LONGEST, write_only=True)
    secret = serializers.CharField(max_length=LONGEST, write_only=True)
    password = serializers.CharField(
        max_length=LONGEST, write_only=True, required=False, help_text="Where the exchange has one for API keys."
    )
