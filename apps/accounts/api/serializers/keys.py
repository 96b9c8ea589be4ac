"""API keys."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.models import ApiKey, Scope
from apps.accounts.models.api_keys import validate_network
from apps.common.api.serializers import RowSerializer, StrictSerializer, UtcDateTimeField

from . import LONGEST_PASSWORD


class ApiKeySerializer(RowSerializer):
    class Meta:
        model = ApiKey
        fields = [
            "id", "name", "prefix", "scopes", "allowed_networks", "requests_per_minute", "expires_at", "created_at",
            "used_at", "used_from", "revoked_at",
        ]  # fmt: skip


class NewApiKeySerializer(ApiKeySerializer):
    """A key with its text; nobody can be shown it again."""

    key = serializers.SerializerMethodField(help_text="Send it as `X-API-Key`. It is shown this once.")

    class Meta(ApiKeySerializer.Meta):
        fields = [*ApiKeySerializer.Meta.fields, "key"]

    def get_key(self, key: ApiKey) -> str:
        return str(self.context["text"])


class ApiKeyCreateSerializer(StrictSerializer):
    name = serializers.CharField(max_length=100)
    scopes = serializers.MultipleChoiceField(choices=Scope.choices, allow_empty=False)
    allowed_networks = serializers.ListField(
        child=serializers.CharField(max_length=50, validators=[validate_network]),
        max_length=20,
        default=list,
        help_text="Addresses and networks that may use the key, such as 203.0.113.0/24; none for any.",
    )
    requests_per_minute = serializers.IntegerField(min_value=1, max_value=100_000, required=False, allow_null=True)
    expires_at = UtcDateTimeField(required=False, allow_null=True)
    current_password = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False, write_only=True)

    def validate_scopes(self, scopes: set[str]) -> list[str]:
        return sorted(scopes)


class ApiKeyRotateSerializer(StrictSerializer):
    current_password = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False, write_only=True)


def without_password(values: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the values, and the password that came with them."""
    rest = dict(values)
    return rest, str(rest.pop("current_password", ""))
