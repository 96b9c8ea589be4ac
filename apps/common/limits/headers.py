"""How an answer tells of its limits: X-RateLimit-*, and the fields of the IETF's draft."""

from __future__ import annotations

from .windows import Tally


def headers_of(tally: Tally) -> dict[str, str]:
    """Return the headers of a counted call: X-RateLimit-* tell of its leading window, RateLimit of all."""
    leading = tally.leading
    return {
        "X-RateLimit-Limit": str(leading.window.limit),
        "X-RateLimit-Remaining": str(leading.remaining),
        "X-RateLimit-Reset": str(leading.window.ends_at),
        "RateLimit-Policy": ", ".join(
            f'"{usage.window.name}";q={usage.window.limit};w={usage.window.seconds}' for usage in tally.usages
        ),
        "RateLimit": ", ".join(
            f'"{usage.window.name}";r={usage.remaining};t={usage.seconds_left}' for usage in tally.usages
        ),
    }
