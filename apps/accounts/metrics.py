"""Counters of signing in."""

from __future__ import annotations

from prometheus_client import Counter

AUDIT_EVENTS = Counter("audit_events_total", "What was recorded in the audit trail.", ["action"])
SIGN_INS = Counter("sign_ins_total", "Attempts to sign in.", ["result"])
"""By result: `accepted`, `refused`, `locked`, `mfa_asked`, `mfa_refused`."""
ACCESS_UNCACHED = Counter(
    "access_uncached_total", "Requests whose user was read from the database because the cache was away."
)
