"""The work of the queues `marketdata` and `downloads`: one service call each, safe to run any number of times."""

from __future__ import annotations

import uuid
from datetime import datetime

from celery import shared_task

from apps.marketdata.services import collecting, downloading, gaps, reading, retention, sessions, summarizing, watching


@shared_task(name="marketdata.collect")
def collect() -> dict[str, int]:
    """Share the feeds of exchanges out."""
    return collecting.feeds_collect()


@shared_task(name="marketdata.collect_from")
def collect_from(provider: str, feed_ids: list[int]) -> int:
    """Bring the feeds of one exchange up to date."""
    return collecting.exchange_collect(provider=provider, feed_ids=feed_ids)


@shared_task(name="marketdata.summarize")
def summarize() -> bool:
    """Tell the streams how the market stands, where it has moved."""
    return summarizing.market_summarize()


@shared_task(name="marketdata.watch")
def watch() -> None:
    """Raise and end the alerts of feeds, exchanges, downloads and gaps."""
    watching.market_watch()


@shared_task(name="marketdata.download")
def download(download_id: str) -> str:
    """Fetch pages of a download for a while."""
    return downloading.download_run(download_id=uuid.UUID(download_id))


@shared_task(name="marketdata.sweep_downloads")
def sweep_downloads() -> int:
    """Hand out the downloads that wait, or have lost their worker."""
    return downloading.downloads_sweep()


@shared_task(name="marketdata.find_gaps")
def find_gaps() -> int:
    """Search the series for missing candles."""
    return gaps.all_gaps_find()


@shared_task(name="marketdata.search_span")
def search_span(instrument_id: int, timeframe: str, source: str, start: str, end: str) -> int:
    """Search a span for missing candles that somebody has read."""
    span = {"start": datetime.fromisoformat(start), "end": datetime.fromisoformat(end)}
    return reading.read_span_search(instrument_id=instrument_id, timeframe=timeframe, source=source, **span)


@shared_task(name="marketdata.retain")
def retain() -> dict[str, int]:
    """Delete candles past their retention."""
    return retention.candles_retain()


@shared_task(name="marketdata.refresh_sessions")
def refresh_sessions() -> int:
    """Keep the trading sessions of the instruments' calendars."""
    return sessions.all_sessions_ensure()
