"""What accounts take and show."""

from __future__ import annotations

from rest_framework import serializers

from apps.accounts.models import User
from apps.common.api.serializers import RowSerializer, StrictSerializer

LONGEST_PASSWORD = 1000


class SignInSerializer(StrictSerializer):
    username = serializers.CharField(max_length=254, help_text="User name or e-mail address.")
    password = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False, write_only=True)


class RefreshSerializer(StrictSerializer):
    refresh = serializers.CharField(max_length=5000)


class AccountSerializer(RowSerializer):
    role = serializers.CharField(read_only=True, help_text="Admin, Trader or Viewer.")

    class Meta:
        model = User
        fields = [
            "id", "username", "email", "first_name", "last_name", "role", "tier", "time_zone", "may_trade_live",
            "date_joined",
        ]  # fmt: skip


class SessionSerializer(serializers.Serializer):  # type: ignore[type-arg]
    access = serializers.CharField(help_text="Send it as `Authorization: Bearer …`; it lives for minutes.")
    refresh = serializers.CharField(help_text="Exchange it once for the next pair.")
    user = AccountSerializer()


class AccountChangeSerializer(StrictSerializer):
    """`current_password` is needed for a new password or e-mail address."""

    first_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    email = serializers.EmailField(required=False)
    time_zone = serializers.CharField(max_length=64, required=False)
    new_password = serializers.CharField(
        max_length=LONGEST_PASSWORD, trim_whitespace=False, required=False, write_only=True
    )
    current_password = serializers.CharField(
        max_length=LONGEST_PASSWORD, trim_whitespace=False, required=False, write_only=True
    )
