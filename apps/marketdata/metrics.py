"""What market data counts."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

EXCHANGE_REQUESTS = Counter("exchange_requests_total", "Questions to exchanges, by answer.", ["exchange", "result"])
EXCHANGE_WAIT = Histogram(
    "exchange_limiter_wait_seconds",
    "How long a request waited for its turn.",
    ["exchange"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
CANDLES_REFUSED = Counter(
    "exchange_candles_refused_total", "Rows of exchanges that were no candles of ours.", ["exchange", "reason"]
)
CANDLES_COLLECTED = Counter("feed_candles_total", "Candles that arrived from exchanges.", ["provider"])
FEED_FAILURES = Counter("feed_failures_total", "Times that a feed got nothing.", ["provider", "code"])
DOWNLOADED = Counter("downloaded_candles_total", "Candles that downloads fetched.", ["source"])
DOWNLOADS = Counter("downloads_total", "Downloads that ended.", ["source", "status"])
