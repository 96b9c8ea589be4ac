"""What the strategies app counts."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

SIGNALS = Counter("strategy_signals_total", "Signals that asked for a trade.", ["rule", "action", "outcome"])
FAILURES = Counter("strategy_failures_total", "Runs of a rule that raised.", ["rule"])
WEBHOOKS = Counter("webhooks_received_total", "Alerts that came to webhooks, by what became of them.", ["result"])
JOBS = Counter("backtest_jobs_total", "Backtests and optimizations that ended.", ["kind", "status"])
JOB_SECONDS = Histogram(
    "backtest_job_duration_seconds",
    "How long backtests and optimizations ran.",
    ["kind"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
)
