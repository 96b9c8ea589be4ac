"""Numbers, times and states as people read them: one precision, one sign, one color for each meaning."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

MINUS = "\N{MINUS SIGN}"
EMPTY = "\N{EN DASH}"
TONES = {
    "filled": "up",
    "ordered": "up",
    "active": "up",
    "enabled": "up",
    "success": "up",
    "completed": "up",
    "passed": "up",
    "good": "up",
    "caution": "warn",
    "critical": "down",
    "open": "info",
    "submitted": "info",
    "partially_filled": "info",
    "pending": "info",
    "new": "info",
    "awaiting": "warn",
    "started": "info",
    "running": "info",
    "denied": "down",
    "rejected": "down",
    "failed": "down",
    "failure": "down",
    "revoked": "warn",
    "warning": "warn",
    "retry": "warn",
    "skipped": "warn",
    "expired": "warn",
}
"""The color of a state; states that are not named are gray."""


def amount(value: Decimal | None, decimals: int) -> str:
    """Return a price or quantity with the instrument's decimals and thousands apart; a dash for none."""
    if value is None:
        return EMPTY
    step = Decimal(1).scaleb(-decimals)
    return f"{value.quantize(step, rounding=ROUND_HALF_EVEN):,f}".replace("-", MINUS)


def money(value: Decimal | None) -> str:
    return amount(value, 2)


def signed(value: Decimal | None, decimals: int = 2) -> SafeString | str:
    """Return profit or loss with its sign and color."""
    if value is None:
        return EMPTY
    text = amount(value, decimals)
    rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    if rounded == 0:
        return format_html('<span class="tone-flat">{}</span>', text.replace(MINUS, ""))
    tone = "up" if rounded > 0 else "down"
    return format_html('<span class="tone-{}">{}{}</span>', tone, "+" if rounded > 0 else "", text)


def status_badge(value: str, text: str) -> SafeString:
    """Return a state as a badge in its color."""
    return format_html('<span class="badge badge-{}" data-state="{}">{}</span>', TONES.get(value, "flat"), value, text)


def side_badge(side: str) -> SafeString:
    tone = "up" if side in ("buy", "long") else "down" if side in ("sell", "short") else "flat"
    return format_html('<span class="badge badge-side badge-{}">{}</span>', tone, side.replace("_", " ").upper())


def meter(part: Decimal, whole: Decimal) -> SafeString:
    """Return how much of a whole is done, as a bar and in percent."""
    percent = int(part * 100 / whole) if whole else 0
    return format_html(
        '<span class="meter"><progress value="{0}" max="100" aria-label="{0} % filled"></progress>{0}%</span>', percent
    )


def relative_time(moment: datetime | None) -> SafeString | str:
    """Return an ISO time in UTC that tells its age when pointed at."""
    if moment is None:
        return EMPTY
    moment = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} ago">{}</time>',
        moment.isoformat(),
        timesince(moment),
        moment.strftime("%Y-%m-%d %H:%M:%S"),
    )
