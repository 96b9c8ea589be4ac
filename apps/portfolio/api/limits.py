"""The limits of a portfolio and of the platform."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.requests import signed_in
from apps.common.api.errors import answer_with
from apps.common.api.serializers import AmountField, RowSerializer, StrictSerializer
from apps.common.api.views import ApiView, checked, row_or_404
from apps.marketdata.api.fields import InstrumentField
from apps.portfolio.limiting import platform_limits, profiles_of
from apps.portfolio.models import PlatformLimits, RiskProfile
from apps.portfolio.selectors import portfolios_of
from apps.portfolio.services import AbovePlatformLimit, LimitsNotAllowed, limits_change, platform_limits_change

answer_with(AbovePlatformLimit, 422)
answer_with(LimitsNotAllowed, 403)
MOST_SMALL, MOST = 32_767, 2_147_483_647
"""What the columns of small and of other counts hold."""


class PercentField(AmountField):
    """A share in percent, 0 to 1,000, with 4 decimals."""

    def __init__(self, **kwargs: Any) -> None:
        bounds = {"min_value": Decimal(0), "max_value": Decimal(1000)}
        super().__init__(max_digits=8, decimal_places=4, **bounds, **kwargs)


class LeverageField(AmountField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=5, decimal_places=2, min_value=Decimal(1), **kwargs)


class CeilingsSerializer(RowSerializer):
    """The platform's ceilings; null is none."""

    class Meta:
        model = PlatformLimits
        fields = [
            "max_position_size_percent", "max_total_exposure_percent", "max_concurrent_positions", "max_order_size",
            "max_leverage", "price_band_percent", "max_orders_per_minute", "daily_loss_limit_percent",
            "max_drawdown_percent",
        ]  # fmt: skip


class CeilingsChangeSerializer(StrictSerializer):
    """What is not named stays; null takes a ceiling away."""

    max_position_size_percent = PercentField(required=False, allow_null=True)
    max_total_exposure_percent = PercentField(required=False, allow_null=True)
    max_concurrent_positions = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=MOST_SMALL
    )
    max_order_size = AmountField(required=False, allow_null=True, min_value=Decimal(0))
    max_leverage = LeverageField(required=False, allow_null=True)
    price_band_percent = PercentField(required=False, allow_null=True)
    max_orders_per_minute = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=MOST)
    daily_loss_limit_percent = PercentField(required=False, allow_null=True)
    max_drawdown_percent = PercentField(required=False, allow_null=True)


class LimitsSerializer(RowSerializer):
    """A portfolio's own limits; `platform` are the ceilings that hold beside them, the stricter decides."""

    allowed_instruments = serializers.SlugRelatedField(slug_field="symbol", many=True, read_only=True)  # type: ignore[var-annotated]
    platform = serializers.SerializerMethodField()

    class Meta:
        model = RiskProfile
        fields = [
            "portfolio", "enabled", "max_position_size_percent", "max_total_exposure_percent",
            "max_concurrent_positions", "min_order_size", "max_order_size", "default_stop_loss_percent",
            "default_take_profit_percent", "max_leverage", "price_band_percent", "max_orders_per_minute",
            "allowed_instruments", "circuit_breaker", "daily_loss_limit_percent", "max_drawdown_percent",
            "cooldown_losses", "cooldown_seconds", "platform",
        ]  # fmt: skip

    @extend_schema_field(CeilingsSerializer)
    def get_platform(self, profile: RiskProfile) -> dict[str, Any]:
        return dict(CeilingsSerializer(platform_limits()).data)


class LimitsChangeSerializer(StrictSerializer):
    """What is not named stays."""

    enabled = serializers.BooleanField(required=False)
    max_position_size_percent = PercentField(required=False)
    max_total_exposure_percent = PercentField(required=False)
    max_concurrent_positions = serializers.IntegerField(required=False, min_value=0, max_value=MOST_SMALL)
    min_order_size = AmountField(required=False, min_value=Decimal(0))
    max_order_size = AmountField(required=False, allow_null=True, min_value=Decimal(0))
    default_stop_loss_percent = PercentField(required=False)
    default_take_profit_percent = PercentField(required=False)
    max_leverage = LeverageField(required=False)
    price_band_percent = PercentField(required=False, help_text="0 for any distance.")
    max_orders_per_minute = serializers.IntegerField(
        required=False, min_value=0, max_value=MOST, help_text="0 for any number."
    )
    allowed_instruments = serializers.ListField(
        child=InstrumentField(), required=False, max_length=1000, help_text="Symbols; none means every instrument."
    )
    circuit_breaker = serializers.BooleanField(required=False)
    daily_loss_limit_percent = PercentField(required=False, help_text="0 for none.")
    max_drawdown_percent = PercentField(required=False, help_text="0 for none.")
    cooldown_losses = serializers.IntegerField(required=False, min_value=0, max_value=MOST_SMALL)
    cooldown_seconds = serializers.IntegerField(required=False, min_value=0, max_value=MOST)


class LimitsView(ApiView):
    access = {"GET": "portfolio.view_riskprofile", "PATCH": "portfolio.change_riskprofile"}
    problems = {"PATCH": (422,)}

    @extend_schema(operation_id="portfolio_limits_get", responses={200: LimitsSerializer})
    def get(self, request: Request, portfolio_id: uuid.UUID) -> Response:
        """Show what the portfolio's orders are held against."""
        row_or_404(portfolios_of(signed_in(request)), portfolio_id)
        return Response(LimitsSerializer(profiles_of(signed_in(request)).get(portfolio=portfolio_id)).data)

    @extend_schema(
        operation_id="portfolio_limits_change", request=LimitsChangeSerializer, responses={200: LimitsSerializer}
    )
    def patch(self, request: Request, portfolio_id: uuid.UUID) -> Response:
        """Change limits; one above the platform's answers 422. Signed in people only: no API key widens its limits."""
        portfolio = row_or_404(portfolios_of(signed_in(request)), portfolio_id)
        asked = checked(LimitsChangeSerializer, request)
        return Response(LimitsSerializer(limits_change(portfolio=portfolio, actor=signed_in(request), **asked)).data)


class PlatformLimitsView(ApiView):
    access = {"GET": "portfolio.view_platformlimits", "PATCH": "portfolio.change_platformlimits"}

    @extend_schema(operation_id="platform_limits_get", responses={200: CeilingsSerializer})
    def get(self, request: Request) -> Response:
        """Show the ceilings that no portfolio's limits may pass."""
        return Response(CeilingsSerializer(platform_limits()).data)

    @extend_schema(
        operation_id="platform_limits_change", request=CeilingsChangeSerializer, responses={200: CeilingsSerializer}
    )
    def patch(self, request: Request) -> Response:
        """Change the platform's ceilings; administrators only."""
        asked = checked(CeilingsChangeSerializer, request)
        return Response(CeilingsSerializer(platform_limits_change(actor=signed_in(request), **asked)).data)
