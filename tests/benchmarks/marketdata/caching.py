"""A market page's requests replayed with the cache on and off, while candles arrive."""

from __future__ import annotations

import argparse
import http.client
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from urllib.parse import quote

from django.conf import settings
from django.db import connection
from django_redis import get_redis_connection
from prometheus_client import REGISTRY
from rest_framework.test import APIClient

from algotrendy.trading.candles import Bar
from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Feed, Instrument
from apps.marketdata.services import candle_arrived, candles_store
from tests.benchmarks.results import Result, Target
from tests.benchmarks.servers import served

from .series import START, emptied, instrument, settled

SYMBOLS = [f"SYM{number}/USD" for number in range(10)]
STORED = 3000
VIEWS_A_MINUTE = 100
PAGE = (
    "latest",
    "ticker",
    "candles?timeframe=1m&limit=500&format=columns",
    "indicators?timeframe=1m&limit=500&name=rsi",
    "indicators?timeframe=1m&limit=500&name=macd",
)
CACHES = ("latest_candle", "ticker", "candles", "indicators")


def run(options: argparse.Namespace) -> Result:
    feeds = _prepared()
    views = _views(options.views)
    queries, ratios = {}, {}
    for name, is_on in (("off", False), ("on", True)):
        settings.MARKETDATA_CACHE = is_on
        before = _counted()
        queries[name] = _replayed_here(views, feeds)
        after = _counted()
        hits, all_of = (sum(after[c][k] - before[c][k] for c in CACHES) for k in (0, 1))
        ratios[name] = hits / all_of * 100 if all_of else 0.0
    taken = _replayed_by_http(views, feeds)
    rows = []
    for name in ("off", "on"):
        p50, p95 = statistics.median(taken[name]), statistics.quantiles(taken[name], n=20)[-1]
        rows.append([name, f"{queries[name]:,}", f"{ratios[name]:.1f} %", f"{p50:.2f} ms", f"{p95:.2f} ms"])
    saved = (1 - queries["on"] / queries["off"]) * 100
    targets = [
        Target("% fewer queries", saved, 60, at_least=True),
        Target("% hits", ratios["on"], 80, at_least=True),
        Target("ms p95 with the cache", statistics.quantiles(taken["on"], n=20)[-1], 20),
    ]
    title = f"{len(views):,} views of a market page, {VIEWS_A_MINUTE} a minute, {len(SYMBOLS)} symbols fed every minute"
    return Result(title, ["cache", "queries", "hits", "p50 a request", "p95 a request"], rows, targets)


def _prepared() -> list[Feed]:
    emptied()
    get_redis_connection("default").flushdb()
    feeds = []
    for symbol in SYMBOLS:
        found = instrument(symbol)
        bars = [_bar(found, number) for number in range(STORED)]
        candles_store(instrument=found, timeframe="1m", source="bench", bars=bars)
        Feed.objects.filter(instrument=found).delete()
        feeds.append(Feed.objects.create(instrument=found, timeframe="1m", source="bench", position=bars[-1].open_time))
    settled()
    return feeds


def _bar(of: Instrument, number: int) -> Bar:
    close = Decimal(100 + number % 37)
    time = START + timedelta(minutes=number)
    return Bar(of.symbol, Timeframe.M1, time, close, close + 1, close - 1, close, Decimal(number % 11))


def _views(length: int) -> list[str]:
    """Return whose page is looked at: the first symbols often, the last ones seldom."""
    weights = [1 / rank for rank in range(1, len(SYMBOLS) + 1)]
    return random.Random(42).choices(SYMBOLS, weights, k=length)


def _requests(views: list[str], feeds: list[Feed]) -> Iterator[str]:
    """Yield the addresses, and let each symbol's next candle arrive once a minute of views."""
    every = VIEWS_A_MINUTE // len(feeds)
    for number, symbol in enumerate(views):
        if number % every == 0:
            _arrive(feeds[number // every % len(feeds)])
        for part in PAGE:
            yield f"/api/market-data/{quote(symbol, safe='')}/{part}"


def _arrive(feed: Feed) -> None:
    feed.refresh_from_db()
    following = feed.position + timedelta(minutes=1)
    candle_arrived(feed=feed, bar=replace(_bar(feed.instrument, 7), open_time=following))


def _replayed_here(views: list[str], feeds: list[Feed]) -> int:
    """Return how many queries the requests make, within this process."""
    client, count = APIClient(SERVER_NAME="localhost"), 0
    for path in _requests(views, feeds):
        with _queries() as seen:
            answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        count += len(seen)
    return count


@contextmanager
def _queries() -> Iterator[list[str]]:
    seen: list[str] = []

    def count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield seen


def _replayed_by_http(views: list[str], feeds: list[Feed]) -> dict[str, list[float]]:
    """Return milliseconds of each request to a server with the cache off, and to one with it on, in turns."""
    taken: dict[str, list[float]] = {"off": [], "on": []}
    with served(MARKETDATA_CACHE="false") as off, served(MARKETDATA_CACHE="true") as on:
        lines = {
            name: http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            for name, server in (("off", off), ("on", on))
        }
        for number, path in enumerate(_requests(views, feeds)):
            for name, line in lines.items():
                begin = time.perf_counter()
                line.request("GET", path)
                line.getresponse().read()
                if number >= 50:
                    taken[name].append((time.perf_counter() - begin) * 1000)
    return taken


def _counted() -> dict[str, tuple[float, float]]:
    """Return the hits and the look-ups of each cache in this process so far."""
    found = {}
    for cache in CACHES:
        counts = [
            REGISTRY.get_sample_value("cache_requests_total", {"cache": cache, "result": result}) or 0.0
            for result in ("hit", "miss", "error")
        ]
        found[cache] = (counts[0], sum(counts))
    return found
