"""Combinations of settings that must not start: each message says what to change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import Error, register

SHORTEST_SECRET = 32


@register()
def dangerous_settings(app_configs: Any = None, **kwargs: Any) -> Sequence[Error]:
    """Return what would put accounts or money at risk."""
    return [Error(message, hint=hint, id=f"algotrendy.E{number:03d}") for number, message, hint in _faults()]


def _faults() -> Iterator[tuple[int, str, str]]:
    if len(settings.SECRET_KEY) < SHORTEST_SECRET and not settings.DEBUG:
        yield 1, "SECRET_KEY is too short to sign tokens with.", f"Use at least {SHORTEST_SECRET} random characters."
    if "*" in settings.ALLOWED_HOSTS:
        yield 2, "ALLOWED_HOSTS allows every host.", "Name the hosts that browsers use."
    if settings.DEBUG and settings.LIVE_TRADING:
        yield 3, "Real money is not traded in debug mode.", "Unset DEBUG or LIVE_TRADING."
    if settings.DEBUG and settings.HTTPS:
        yield 4, "Debug pages are not shown to the world.", "Unset DEBUG where HTTPS is on."
    if getattr(settings, "CORS_ALLOW_ALL_ORIGINS", False) or any(
        "*" in origin for origin in settings.CORS_ALLOWED_ORIGINS
    ):
        yield 5, "CORS_ALLOWED_ORIGINS allows every origin.", "Name each origin, such as https://app.example."
    if settings.LIVE_TRADING and not settings.RATELIMIT_ENABLE:
        yield 6, "Real money is not traded without rate limits.", "Unset RATE_LIMITS=false or LIVE_TRADING."
    if settings.REGISTRATION_ROLE not in ("Viewer", "Trader"):
        yield 7, "REGISTRATION_ROLE must be Viewer or Trader.", "Whoever registers must not become an administrator."
    if any(len(key) < SHORTEST_SECRET for key in settings.ENCRYPTION_KEYS):
        yield 8, "A key in ENCRYPTION_KEYS is too short.", f"Use at least {SHORTEST_SECRET} random characters for each."
