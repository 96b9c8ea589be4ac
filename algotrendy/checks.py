"""Combinations of settings under which the platform refuses to start.

`manage.py` runs them with Django's own checks; the servers and Celery, which do not, call `refuse_dangerous`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

SHORTEST_KEY = 32
KEY_LENGTH = 50
KEY_VARIETY = 5
"""What Django's own `check --deploy` asks of SECRET_KEY."""


def is_public(host: str) -> bool:
    """Tell whether others than this machine and its containers may reach the platform under this name."""
    name = host.removeprefix("[").removesuffix("]").lower()
    try:
        return not ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "*" or ("." in name and not name.endswith(".localhost"))


@register(Tags.security)
def check_settings(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    return [*_hosts(), *_debug(), *_secrets(), *_origins(), *_accounts()]


def refuse_dangerous() -> None:
    """Raise ImproperlyConfigured that names every dangerous combination of the settings."""
    problems = [f"{problem.msg} {problem.hint}" for problem in check_settings()]
    if problems:
        raise ImproperlyConfigured("\n".join(["The platform does not start like this:", *problems]))


def _hosts() -> Iterator[CheckMessage]:
    public = [host for host in settings.ALLOWED_HOSTS if is_public(host)]
    if "*" in settings.ALLOWED_HOSTS:
        yield _error(1, "ALLOWED_HOSTS allows any host.", "Name the hosts that browsers use.")
    elif public and not settings.HTTPS:
        hint = "Set HTTPS=true and put a proxy with TLS before the platform, or leave only this machine's names."
        yield _error(
            2, f"ALLOWED_HOSTS names {public[0]}, but HTTPS is off: passwords would travel in the clear.", hint
        )


def _debug() -> Iterator[CheckMessage]:
    if not settings.DEBUG:
        return
    if settings.HTTPS or any(is_public(host) for host in settings.ALLOWED_HOSTS):
        hint = "Set DEBUG=false, or HTTPS=false and only this machine's names in ALLOWED_HOSTS."
        yield _error(3, "DEBUG is on where others may come: its pages show code and settings.", hint)
    if settings.LIVE_TRADING:
        yield _error(4, "DEBUG and LIVE_TRADING are both on.", "Set DEBUG=false to trade with real money.")


def _secrets() -> Iterator[CheckMessage]:
    key = settings.SECRET_KEY
    if len(key) < KEY_LENGTH or len(set(key)) < KEY_VARIETY or key.startswith("django-insecure-"):
        hint = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
        yield _error(5, f"SECRET_KEY can be guessed: it needs {KEY_LENGTH} random characters.", hint)
    if settings.SECURE_PROXY_SSL_HEADER and not settings.METRICS_TOKEN:
        hint = "Set METRICS_TOKEN; Prometheus sends it as a bearer token."
        yield _error(6, "Behind a proxy every caller of /metrics looks like this machine.", hint)


def _origins() -> Iterator[CheckMessage]:
    for origin in settings.CORS_ALLOWED_ORIGINS:
        if "*" in origin or origin == "null":
            hint = "Name each origin, such as https://app.example."
            yield _error(7, f"CORS_ALLOWED_ORIGINS has {origin!r}, which lets any page call the API.", hint)
        elif settings.HTTPS and origin.startswith("http://") and is_public(origin[7:].partition(":")[0]):
            yield _error(8, f"CORS_ALLOWED_ORIGINS has {origin}, which comes in the clear.", "Serve it by https.")
    if getattr(settings, "CORS_ALLOW_ALL_ORIGINS", False) or getattr(settings, "CORS_ALLOWED_ORIGIN_REGEXES", ()):
        yield _error(7, "CORS is open to origins that are not named.", "Use CORS_ALLOWED_ORIGINS.")
    if settings.CORS_ALLOW_CREDENTIALS:
        hint = "Other sites' pages send a token or a key, never a cookie."
        yield _error(9, "CORS_ALLOW_CREDENTIALS is on.", f"Switch it off. {hint}")


def _accounts() -> Iterator[CheckMessage]:
    if settings.REGISTRATION_ROLE not in ("Viewer", "Trader"):
        hint = "Whoever registers must not become an administrator."
        yield _error(10, "REGISTRATION_ROLE must be Viewer or Trader.", hint)
    if any(len(key) < SHORTEST_KEY for key in settings.ENCRYPTION_KEYS):
        hint = f"Use at least {SHORTEST_KEY} random characters for each."
        yield _error(11, "A key in ENCRYPTION_KEYS is too short.", hint)
    if settings.LIVE_TRADING and not settings.RATELIMIT_ENABLE:
        yield _error(12, "Real money is not traded without rate limits.", "Unset RATE_LIMITS=false or LIVE_TRADING.")


def _error(number: int, message: str, hint: str) -> CheckMessage:
    return Error(message, hint=hint, id=f"algotrendy.E{number:03}")
