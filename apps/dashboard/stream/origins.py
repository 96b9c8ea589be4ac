"""Which pages may read the stream with a person's cookie: those of the web server's own origin."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from apps.dashboard.stream.access import Refused

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def cors_headers(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Return what lets the asking page read the answer; nothing where no other origin asks. Raises Refused."""
    origin = headers.get("origin", "")
    if not origin or origin.partition("://")[2] == headers.get("host"):
        return [(b"vary", b"Origin")]
    if not is_allowed(origin):
        raise Refused(403, "origin_not_allowed", "Pages of this origin may not read the stream; see WEB_URL.")
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-allow-headers", b"Authorization, Last-Event-ID"),
        (b"vary", b"Origin"),
    ]


def is_allowed(origin: str) -> bool:
    """Tell whether it is the web server's origin, a trusted one, or another loopback name of the web server's."""
    if origin in {settings.WEB_URL, *settings.CSRF_TRUSTED_ORIGINS}:
        return True
    try:
        asking, web = urlsplit(origin), urlsplit(settings.WEB_URL)
        same_place = (asking.scheme, asking.port) == (web.scheme, web.port)
    except ValueError:
        return False
    return same_place and asking.hostname in LOOPBACK and web.hostname in LOOPBACK
