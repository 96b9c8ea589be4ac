"""Accounts: one's own, and those that administrators look after."""

from __future__ import annotations

from rest_framework import serializers

from apps.accounts.models import ApiSession, AuditEvent, Role, Tier, User
from apps.common.api.serializers import RowSerializer, StrictSerializer, UtcDateTimeField

from . import LONGEST_PASSWORD


class AccountSerializer(RowSerializer):
    role = serializers.CharField(read_only=True, help_text="Admin, Trader or Viewer.")
    created_at = UtcDateTimeField(source="date_joined", read_only=True)
    last_login_at = UtcDateTimeField(source="last_login", read_only=True, allow_null=True)
    mfa_enabled = serializers.BooleanField(source="has_mfa", read_only=True)

    class Meta:
        model = User
        fields = [
            "id", "username", "email", "email_verified_at", "first_name", "last_name", "role", "tier", "time_zone",
            "may_trade_live", "mfa_enabled", "created_at", "last_login_at",
        ]  # fmt: skip


class UserSerializer(AccountSerializer):
    """An account as administrators see it."""

    class Meta(AccountSerializer.Meta):
        fields = [*AccountSerializer.Meta.fields, "is_active", "awaits_verification"]


class AccountChangeSerializer(StrictSerializer):
    """`current_password` is needed for a new e-mail address."""

    first_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    email = serializers.EmailField(required=False)
    time_zone = serializers.CharField(max_length=64, required=False)
    current_password = serializers.CharField(
        max_length=LONGEST_PASSWORD, trim_whitespace=False, required=False, write_only=True
    )


class UserCreateSerializer(StrictSerializer):
    username = serializers.CharField(max_length=150)
    email = serializers.EmailField()
    password = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False, write_only=True)
    role = serializers.ChoiceField(choices=Role.choices)
    tier = serializers.ChoiceField(choices=Tier.choices, default=Tier.FREE)


class UserChangeSerializer(StrictSerializer):
    """What is left out stays as it is; a changed role or state ends the user's sessions."""

    role = serializers.ChoiceField(choices=Role.choices, required=False)
    tier = serializers.ChoiceField(choices=Tier.choices, required=False)
    is_active = serializers.BooleanField(required=False)
    may_trade_live = serializers.BooleanField(required=False)


class ApiSessionSerializer(RowSerializer):
    is_current = serializers.SerializerMethodField(help_text="Whether this request was signed with it.")

    class Meta:
        model = ApiSession
        fields = ["id", "ip", "user_agent", "created_at", "used_at", "expires_at", "ended_at", "is_current"]

    def get_is_current(self, session: ApiSession) -> bool:
        return str(session.pk) == self.context.get("session_id")


class AuditEventSerializer(RowSerializer):
    details = serializers.DictField()

    class Meta:
        model = AuditEvent
        fields = [
            "id", "at", "action", "user_id", "username", "target_kind", "target_id", "target", "details", "via",
            "credential", "ip", "user_agent", "correlation_id",
        ]  # fmt: skip
