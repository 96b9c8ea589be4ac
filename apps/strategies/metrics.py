"""What the strategies app counts."""

from __future__ import annotations

from prometheus_client import Counter

SIGNALS = Counter("strategy_signals_total", "Signals that asked for a trade.", ["rule", "action", "outcome"])
FAILURES = Counter("strategy_failures_total", "Runs of a rule that raised.", ["rule"])
