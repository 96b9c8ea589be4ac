"""Where a request comes from."""

from __future__ import annotations

from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str:
    """Return the address of the client."""
    return str(request.META.get("REMOTE_ADDR", ""))
