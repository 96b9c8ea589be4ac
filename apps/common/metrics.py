"""Counters that several apps share."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

cache_requests = Counter("cache_requests_total", "Look-ups in the cache, by their result.", ["cache", "result"])
API_DURATION = Histogram(
    "api_request_duration_seconds",
    "How long requests took, by the pattern of their address.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LOG_EVENTS_DROPPED = Counter("log_events_dropped_total", "Log events that did not reach Seq.", ["reason"])
RATE_LIMITED = Counter("rate_limited_requests_total", "Calls that were refused with 429.", ["scope", "tier"])
RATE_LIMITER_FALLBACK = Counter(
    "rate_limiter_fallback_total", "Calls that each process counted by itself, as Redis was away."
)
