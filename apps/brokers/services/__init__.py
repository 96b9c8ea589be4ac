"""Making and changing connections, their credentials, and testing them."""

from .connections import ConnectionRefused, connection_change, connection_create, paper_connection_create
from .credentials import CredentialsRefused, credentials_remove, credentials_set
from .testing import NothingToTest, connection_test, connection_test_ask

__all__ = [
    "ConnectionRefused",
    "CredentialsRefused",
    "NothingToTest",
    "connection_change",
    "connection_create",
    "connection_test",
    "connection_test_ask",
    "credentials_remove",
    "credentials_set",
    "paper_connection_create",
]
