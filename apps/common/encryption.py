"""Secrets at rest: encrypted and authenticated (Fernet: AES-128-CBC, HMAC-SHA256) under keys from the environment.

The first key of ENCRYPTION_KEYS encrypts, all of them decrypt. To change keys, put a new one in front, run
`manage.py rotate_encryption`, and take the old one away.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model

SHORTEST_KEY = 32
_sealed_fields: dict[str, str] = {}


class Undecipherable(Exception):
    """None of the keys opens the secret: a key is missing from ENCRYPTION_KEYS, or the row was tampered with."""


def encrypt(text: str) -> str:
    """Return the secret as text that only the platform's keys open."""
    return _keys().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Return the secret; raise Undecipherable."""
    try:
        return _keys().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise Undecipherable("No key of ENCRYPTION_KEYS opens this secret.") from error


def renew(token: str) -> str:
    """Return the secret encrypted by the newest key; raise Undecipherable."""
    return encrypt(decrypt(token))


def seals(model: str, field: str) -> None:
    """Say that a model keeps secrets in a field, so that they are renewed with the keys; apps do so when ready."""
    _sealed_fields[model] = field


def sealed_fields() -> Iterator[tuple[type[Model], str]]:
    """Return every model that keeps secrets, and the field that holds them."""
    for name, field in sorted(_sealed_fields.items()):
        yield apps.get_model(name), field


def _keys() -> MultiFernet:
    return _of(tuple(settings.ENCRYPTION_KEYS))


@lru_cache(maxsize=4)
def _of(keys: Sequence[str]) -> MultiFernet:
    short = [key for key in keys if len(key) < SHORTEST_KEY]
    if not keys or short:
        raise ImproperlyConfigured(f"ENCRYPTION_KEYS needs keys of at least {SHORTEST_KEY} random characters.")
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys])
