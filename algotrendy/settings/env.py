"""Where settings come from: environment variables, `NAME_FILE` for secrets, and a private `var/` on a laptop."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from apps.common.kept_secrets import kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

VAR_DIR = Path(os.environ.get("ALGOTRENDY_VAR", BASE_DIR / "var")).resolve()
EMBEDDED_MARK = "ALGOTRENDY_EMBEDDED"
"""Set by `apps.common.embedded` when it provides the engines; a laptop may then keep its own secrets in `var/`."""


def is_embedded() -> bool:
    return bool(os.environ.get(EMBEDDED_MARK))


def required(name: str) -> str:
    """Return the variable, or the content of the file that `NAME_FILE` names; raise when neither is set."""
    value = optional(name)
    if not value:
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE to a file that holds it); see .env.example.")
    return value


def optional(name: str, default: str = "") -> str:
    """Return the variable, or the content of the file that `NAME_FILE` names, or the default."""
    file = os.environ.get(f"{name}_FILE")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {file}, which cannot be read: {error.strerror}.") from error
    return os.environ.get(name, default)


def networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Return the addresses and networks that the variable lists."""
    found = []
    for word in env.list(name, default=[]):
        try:
            found.append(ipaddress.ip_network(word.strip(), strict=False))
        except ValueError as error:
            advice = "list addresses and networks such as 10.0.0.5,172.16.0.0/12"
            raise ImproperlyConfigured(f"{name} holds {word!r}, which is no network; {advice}.") from error
    return found


def secret_key() -> str:
    """Return SECRET_KEY; on a laptop with embedded engines make one once and keep it, readable by its owner only."""
    value = optional("SECRET_KEY")
    if value or not is_embedded():
        return value or required("SECRET_KEY")
    return kept_secret(VAR_DIR / "secret_key", 48)
