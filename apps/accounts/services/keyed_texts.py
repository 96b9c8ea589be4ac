"""Secrets shown once, which read `<mark>_<prefix>_<secret>`: the prefix finds a row, a keyed hash proves the rest."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.utils.crypto import constant_time_compare, salted_hmac

LONGEST_PREFIX = 16
NO_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True)
class KeyedText:
    """One kind of secret: what it begins with, and the salt of its hashes."""

    mark: str
    salt: str

    def make(self) -> tuple[str, str, str]:
        """Return a new prefix, the digest to keep, and the text to show once."""
        prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        return prefix, self.digest(secret), f"{self.mark}_{prefix}_{secret}"

    def split(self, text: str) -> tuple[str, str]:
        """Return prefix and secret of a text; an empty prefix where it is none of this kind."""
        mark, _, rest = text.partition("_")
        prefix, _, secret = rest.partition("_")
        is_plain = prefix.isascii() and prefix.isalnum() and len(prefix) <= LONGEST_PREFIX
        return (prefix, secret) if mark == self.mark and is_plain else ("", secret)

    def digest(self, secret: str) -> str:
        return salted_hmac(self.salt, secret, algorithm="sha256").hexdigest()

    def proves(self, secret: str, digest: str | None) -> bool:
        """Tell whether the secret is that of the digest; takes as long where there is none."""
        return constant_time_compare(digest or NO_DIGEST, self.digest(secret)) and digest is not None
