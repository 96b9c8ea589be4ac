"""What is worked out when Prometheus asks: gauges from the rows, and the counters of every process on this machine."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal

import redis
import structlog
from django.db import DatabaseError
from django.db.models import Count, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from algotrendy.trading.orders import WORKING
from algotrendy.trading.strategies import registry
from algotrendy.trading.values import Timeframe
from apps.alerts.models import Alert
from apps.brokers.models import BrokerConnection
from apps.common.jobs import queue_lengths
from apps.marketdata import breaker
from apps.marketdata.models import Feed
from apps.marketdata.selectors import feed_is_stale, open_gaps
from apps.orders.models import Order, Reconciliation
from apps.orders.services.reconciling import DIFFERENCE_KINDS
from apps.portfolio.halting import open_halts
from apps.portfolio.margins import borrowers, margin_uses
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.selectors import open_positions
from apps.strategies.models import StrategyPerformance

log = structlog.get_logger(__name__)


def scrape() -> bytes:
    """Return all metrics in Prometheus' text form; a part that is down costs its own gauges and nothing else."""
    counters = _counters()
    collectors = CollectorRegistry()
    collectors.register(_Families([*counters, *cache_ratios(counters), *_gauges()]))
    return generate_latest(collectors)


def _counters() -> list[Metric]:
    """Return the counters of all processes that share PROMETHEUS_MULTIPROC_DIR, or of this one alone."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return list(REGISTRY.collect())
    shared = CollectorRegistry()
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
    return list(shared.collect())


def cache_ratios(counters: Iterable[Metric]) -> Iterator[Metric]:
    """Yield the share of look-ups that each cache answered, over all processes since they started."""
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for metric in counters:
        for sample in metric.samples:
            if sample.name == "cache_requests_total":
                found[sample.labels["cache"]][sample.labels["result"]] += sample.value
    ratio = GaugeMetricFamily("cache_hit_ratio", "Share of look-ups that the cache answered.", labels=["cache"])
    for cache, results in found.items():
        if total := sum(results.values()):
            ratio.add_metric([cache], results["hit"] / total)
    yield ratio


def _gauges() -> Iterator[Metric]:
    up = GaugeMetricFamily("platform_up", "Whether a part of the platform answers.", labels=["part"])
    yield _broken_files()
    for part, collect, errors in (
        ("database", _from_database, DatabaseError),
        ("redis", _from_redis, redis.RedisError),
    ):
        try:
            families = list(collect())
        except errors as error:
            log.warning("metrics_without_part", part=part, error=str(error).splitlines()[0])
            up.add_metric([part], 0)
        else:
            up.add_metric([part], 1)
            yield from families
    yield up


def _broken_files() -> Metric:
    broken = GaugeMetricFamily("strategy_files_broken", "Strategy files and entry points whose strategies hold.")
    broken.add_metric([], len(registry.problems()))
    return broken


def _from_database() -> Iterator[Metric]:
    positions = list(
        Position.objects.filter(closed_at__isnull=True, portfolio__is_simulation=False).select_related("instrument")
    )
    active = GaugeMetricFamily("active_positions", "Open positions, simulations apart.")
    active.add_metric([], len(positions))
    yield active
    realized = sum(Portfolio.objects.filter(is_simulation=False).values_list("realized_pnl", flat=True), Decimal(0))
    unrealized = sum((position.unrealized_pnl for position in positions), Decimal(0))
    pnl = GaugeMetricFamily("pnl_total", "Profit and loss before fees, simulations apart.", labels=["kind"])
    pnl.add_metric(["realized"], float(realized))
    pnl.add_metric(["unrealized"], float(unrealized))
    yield pnl
    working = GaugeMetricFamily("orders_working", "Orders that can still trade.", labels=["status"])
    rows = Order.objects.filter(status__in=WORKING, portfolio__is_simulation=False).values("status")
    for row in rows.annotate(count=Count("pk")).order_by("status"):
        working.add_metric([row["status"]], row["count"])
    yield working
    yield _margin_used()
    yield _missing_candles()
    yield _open_alerts()
    yield _open_halts()
    yield from _feeds()
    yield _drift()
    yield from _reconciliations()


def _margin_used() -> Metric:
    """Return the highest margin in use of each portfolio that owes something; names repeat, so ids tell them apart."""
    used = GaugeMetricFamily("portfolio_margin_used", "Share of margin in use, the highest.", labels=["portfolio"])
    for portfolio in borrowers():
        shares = [use.used for use in margin_uses(portfolio, open_positions(portfolio))]
        used.add_metric([str(portfolio.pk)], max(float("inf") if share is None else float(share) for share in shares))
    return used


def _open_alerts() -> Metric:
    found = GaugeMetricFamily("alerts_open", "Alerts that are not over.", labels=["code", "severity"])
    rows = Alert.objects.filter(resolved_at=None).order_by().values("code", "severity").annotate(count=Count("pk"))
    for row in rows:
        found.add_metric([row["code"], row["severity"]], row["count"])
    return found


def _open_halts() -> Metric:
    found = GaugeMetricFamily("trading_halts_open", "Halts of trading that hold.", labels=["width", "mode"])
    for row in open_halts().order_by().values("width", "mode").annotate(count=Count("pk")):
        found.add_metric([row["width"], row["mode"]], row["count"])
    return found


def _missing_candles() -> Metric:
    missing = GaugeMetricFamily("candles_missing", "Candles in open gaps.", labels=["source"])
    for row in open_gaps().order_by().values("source").annotate(missing=Sum("missing")):
        missing.add_metric([row["source"]], row["missing"])
    return missing


def _feeds() -> Iterator[Metric]:
    """Return how old the data of enabled feeds are, and how their exchanges' breakers are."""
    age = GaugeMetricFamily("feed_age_seconds", "Since the last candle of an enabled feed arrived.", labels=["feed"])
    stale = GaugeMetricFamily("feed_stale", "Whether an enabled feed's data is too old to trade on.", labels=["feed"])
    lag = GaugeMetricFamily("feed_lag_seconds", "Since the close of an exchange feed's last candle.", labels=["feed"])
    circuit = GaugeMetricFamily("exchange_circuit_open", "Whether an exchange is left alone.", labels=["exchange"])
    feeds, now = list(Feed.objects.filter(enabled=True).select_related("instrument")), timezone.now()
    for feed in feeds:
        stale.add_metric([str(feed)], feed_is_stale(feed, now=now))
        if feed.last_received_at is not None:
            age.add_metric([str(feed)], (now - feed.last_received_at).total_seconds())
        if feed.position is not None and not feed.is_replay:
            closed = feed.position + Timeframe(feed.timeframe).duration
            lag.add_metric([str(feed)], (now - closed).total_seconds())
    for name, state in breaker.states(sorted({name for feed in feeds for name in feed.providers})).items():
        circuit.add_metric([name], state.circuit is not breaker.Circuit.CLOSED)
    yield from (age, stale, lag, circuit)


def _drift() -> Metric:
    """Return what the newest comparison of each trading strategy found; names repeat, so ids tell them apart."""
    drift = GaugeMetricFamily(
        "strategy_drift_percent",
        "Live profit less that of a backtest of the same candles, of the account.",
        labels=["strategy", "rule"],
    )
    newest = StrategyPerformance.objects.filter(
        strategy__enabled=True, strategy__portfolio__is_simulation=False
    ).order_by("strategy_id", "-computed_at", "-id")
    rows = newest.distinct("strategy_id").values_list("strategy_id", "strategy__rule", "drift_percent")
    for strategy_id, rule, percent in rows:
        drift.add_metric([str(strategy_id), rule], float(percent))
    return drift


def _reconciliations() -> Iterator[Metric]:
    """Return what the newest comparison of each active connection that its venue answered found, and how old it is."""
    drift = GaugeMetricFamily(
        "reconciliation_drift", "Differences between the platform and a venue.", labels=["connection", "kind"]
    )
    age = GaugeMetricFamily(
        "reconciliation_age_seconds", "Since a venue last answered a comparison.", labels=["connection"]
    )
    active = BrokerConnection.objects.filter(is_active=True, portfolios__is_simulation=False)
    answered = Reconciliation.objects.exclude(outcome__in=["", "failed"]).filter(connection__in=active)
    now = timezone.now()
    for row in answered.order_by("connection_id", "-id").distinct("connection_id"):
        name = str(row.connection_id)
        kinds = [difference["kind"] for difference in row.differences]
        for kind in DIFFERENCE_KINDS:
            drift.add_metric([name, kind], kinds.count(kind))
        age.add_metric([name], (now - row.started_at).total_seconds())
    yield from (drift, age)


def _from_redis() -> Iterator[Metric]:
    waiting = GaugeMetricFamily("celery_queue_length", "Tasks that wait for a worker.", labels=["queue"])
    for queue, length in queue_lengths().items():
        waiting.add_metric([queue], length)
    yield waiting


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self.families = families

    def collect(self) -> Iterable[Metric]:
        return self.families
