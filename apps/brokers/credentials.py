"""A connection's key: sealed in its row, opened only where the venue is asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from algotrendy.trading.errors import TradingError
from apps.brokers.models import BrokerConnection
from apps.common.encryption import Undecipherable, decrypt, encrypt

HINT_LENGTH = 4


class CredentialsUnusable(TradingError):
    """The connection has no key, or one that no key of ENCRYPTION_KEYS opens."""

    code = "credentials_missing"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signs a connection's requests. Nothing of it is in its repr."""

    key: str = field(repr=False)
    secret: str = field(repr=False)
    password: str = field(default="", repr=False)

    @property
    def hint(self) -> str:
        """What people recognize the key by; nothing where it is so short that this would give it away."""
        return self.key[-HINT_LENGTH:] if len(self.key) >= 4 * HINT_LENGTH else ""


def sealed(credentials: Credentials) -> str:
    """Return the credentials as text that only the platform's keys open."""
    found = {"key": credentials.key, "secret": credentials.secret, "password": credentials.password}
    return encrypt(json.dumps(found))


def credentials_of(connection: BrokerConnection) -> Credentials:
    """Open a connection's credentials; raise CredentialsUnusable."""
    if not connection.has_credentials:
        raise CredentialsUnusable(f"Connection {connection.name} has no key; set its credentials.")
    try:
        return Credentials(**json.loads(decrypt(connection.encrypted_credentials)))
    except (Undecipherable, ValueError, TypeError):
        raise CredentialsUnusable(
            f"The key of connection {connection.name} cannot be deciphered: set its credentials again, or put the key "
            "that sealed them back into ENCRYPTION_KEYS.",
            code="credentials_undecipherable",
        ) from None
