"""Counters that several apps share."""

from __future__ import annotations

from prometheus_client import Counter

cache_requests = Counter("cache_requests_total", "Look-ups in the cache, by their result.", ["cache", "result"])
