"""Which pages may read the stream: with a person's cookie the web server's own, with a token those that are allowed."""

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
    with_cookie = is_allowed(origin)
    if not with_cookie and origin not in settings.CORS_ALLOWED_ORIGINS:
        detail = "Pages of this origin may not read the stream; see WEB_URL and CORS_ALLOWED_ORIGINS."
        raise Refused(403, "origin_not_allowed", detail)
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        *([(b"access-control-allow-credentials", b"true")] if with_cookie else []),
        (b"access-control-allow-headers", b"Authorization, Last-Event-ID, X-API-Key"),
        (b"vary", b"Origin"),
    ]


def safety_headers() -> list[tuple[bytes, bytes]]:
    """Return what tells a browser to take the answer for nothing but what it is."""
    policy = "; ".join(f"{name} {' '.join(sources)}" for name, sources in settings.DATA_SECURITY_POLICY.items())
    headers = [
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", settings.X_FRAME_OPTIONS.encode()),
        (b"referrer-policy", settings.SECURE_REFERRER_POLICY.encode()),
        (b"content-security-policy", policy.encode()),
        (b"permissions-policy", settings.PERMISSIONS_POLICY.encode()),
    ]
    if settings.SECURE_HSTS_SECONDS:
        value = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
        headers.append((b"strict-transport-security", value.encode()))
    return headers


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
