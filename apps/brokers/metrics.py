"""What the brokers app counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Histogram

from algotrendy.trading.errors import BrokerRejected, BrokerUnavailable

CALLS = Counter("broker_api_calls_total", "Calls to venues.", ["broker", "operation", "result"])
DURATION = Histogram("broker_api_call_duration_seconds", "How long venues took to answer.", ["broker", "operation"])

CONNECTION_TESTS = Counter("connection_tests_total", "Tests of connections, by how they ended.", ["venue", "result"])


@contextmanager
def counted(broker: str, operation: str) -> Iterator[None]:
    """Count and time a call to a venue, by how it ended."""
    started, result = time.perf_counter(), "failed"
    try:
        yield
        result = "ok"
    except BrokerRejected:
        result = "rejected"
        raise
    except BrokerUnavailable:
        result = "unavailable"
        raise
    finally:
        CALLS.labels(broker, operation, result).inc()
        DURATION.labels(broker, operation).observe(time.perf_counter() - started)
