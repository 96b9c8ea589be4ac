"""Signing in, registering, passwords and the second factor."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer

from . import LONGEST_PASSWORD
from .users import AccountSerializer

LONGEST_TOKEN = 5000


def _password(**kwargs: Any) -> serializers.CharField:
    return serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False, write_only=True, **kwargs)


def _code() -> serializers.CharField:
    return serializers.CharField(max_length=20, help_text="A one-time password, or a backup code.")


class SignInSerializer(StrictSerializer):
    username = serializers.CharField(max_length=254, help_text="User name or e-mail address.")
    password = _password()


class SessionSerializer(serializers.Serializer):  # type: ignore[type-arg]
    access = serializers.CharField(help_text="Send it as `Authorization: Bearer …`; it lives for minutes.")
    refresh = serializers.CharField(help_text="Exchange it once for the next pair.")
    user = AccountSerializer()


class ChallengeSerializer(serializers.Serializer):  # type: ignore[type-arg]
    challenge = serializers.CharField(help_text="Send it to /api/auth/mfa/challenge with a one-time password.")
    expires_in = serializers.IntegerField(help_text="Seconds.")


class ChallengeAnswerSerializer(StrictSerializer):
    challenge = serializers.CharField(max_length=LONGEST_TOKEN)
    code = _code()


class RefreshSerializer(StrictSerializer):
    refresh = serializers.CharField(max_length=LONGEST_TOKEN)


class RegisterSerializer(StrictSerializer):
    username = serializers.CharField(max_length=150)
    email = serializers.EmailField()
    password = _password()
    time_zone = serializers.CharField(max_length=64, default="UTC")


class EmailSerializer(StrictSerializer):
    email = serializers.EmailField()


class LetterTokenSerializer(StrictSerializer):
    token = serializers.CharField(max_length=500)


class PasswordChangeSerializer(StrictSerializer):
    current_password = _password()
    new_password = _password()


class PasswordResetSerializer(LetterTokenSerializer):
    new_password = _password()


class SentSerializer(serializers.Serializer):  # type: ignore[type-arg]
    detail = serializers.CharField()


class MfaStateSerializer(serializers.Serializer):  # type: ignore[type-arg]
    enabled = serializers.BooleanField()
    required = serializers.BooleanField(help_text="Whether the account can do nothing without.")
    confirmed_at = serializers.DateTimeField(allow_null=True)
    backup_codes_left = serializers.IntegerField()


class PasswordSerializer(StrictSerializer):
    current_password = _password()


class EnrollmentSerializer(serializers.Serializer):  # type: ignore[type-arg]
    secret = serializers.CharField(help_text="In base 32, for typing into an authenticator app.")
    uri = serializers.CharField(help_text="otpauth:// for apps.")
    qr_code = serializers.CharField(help_text="The URI as an SVG picture, in a data: address.")


class MfaCodeSerializer(StrictSerializer):
    code = _code()


class MfaProofSerializer(StrictSerializer):
    current_password = _password()
    code = _code()


class BackupCodesSerializer(serializers.Serializer):  # type: ignore[type-arg]
    backup_codes = serializers.ListField(child=serializers.CharField(), help_text="Each works once; shown only now.")
