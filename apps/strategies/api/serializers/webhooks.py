"""What webhooks take and show; their secret is in one answer and nowhere else."""

from __future__ import annotations

from rest_framework import serializers

from apps.accounts.models.api_keys import validate_network
from apps.common.api.serializers import RowSerializer, StrictSerializer
from apps.strategies.models import StrategyWebhook
from apps.strategies.selectors import webhook_address


class WebhookSerializer(RowSerializer):
    address = serializers.SerializerMethodField(help_text="Where alerts are sent.")

    class Meta:
        model = StrategyWebhook
        fields = [
            "id", "strategy", "address", "prefix", "is_enabled", "allowed_networks", "template", "used_at", "used_from",
            "created_at", "updated_at",
        ]  # fmt: skip

    def get_address(self, webhook: StrategyWebhook) -> str:
        return webhook_address()


class NewWebhookSerializer(WebhookSerializer):
    """A webhook with its secret; nobody can be shown it again."""

    secret = serializers.SerializerMethodField(help_text="It is shown this once.")

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]

    def get_secret(self, webhook: StrategyWebhook) -> str:
        return str(self.context["secret"])


class WebhookChangeSerializer(StrictSerializer):
    is_enabled = serializers.BooleanField(required=False)
    allowed_networks = serializers.ListField(
        child=serializers.CharField(max_length=50, validators=[validate_network]),
        max_length=20,
        required=False,
        help_text="Addresses and networks that it takes alerts from, such as 203.0.113.0/24; none for any.",
    )
    template = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text="How a plain-text alert is read, such as `{action} {symbol} at {price}`; empty for JSON alone.",
    )
