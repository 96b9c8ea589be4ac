"""What alerts count."""

from __future__ import annotations

from prometheus_client import Counter

ALERTS_RAISED = Counter("alerts_raised_total", "Alerts that began.", ["code", "severity"])
