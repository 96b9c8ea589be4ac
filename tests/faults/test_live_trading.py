"""The live path with real processes, killed at will: every candle traded once, every fill as the reference has it."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings
from django.db import Error, connection, connections
from kombu.exceptions import OperationalError
from redis import Redis

from apps.marketdata import datasets
from apps.marketdata.models import Candle, Feed, Instrument
from apps.marketdata.services.priming import feed_prime
from apps.orders.models import Fill, Order, OrderEvent, SeriesCursor
from apps.orders.services.market.trading import feed_start
from apps.portfolio.models import Portfolio
from apps.strategies.services import strategy_create, strategy_enable
from tests.builders import make_portfolio
from tests.integration.reference_trader import ReferenceTrader

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
ROOT = Path(__file__).resolve().parents[2]
START, END = datetime(2017, 10, 1, tzinfo=UTC), datetime(2018, 6, 1, tzinfo=UTC)
PATIENCE = 180


class Platform:
    """A worker and the market feed as processes of their own, on the test's database."""

    def __init__(self):
        database = connection.settings_dict
        url = f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
        self.environment = {**os.environ, "DATABASE_URL": f"{url}/{database['NAME']}", "LOG_LEVEL": "WARNING"}
        self.processes = {}

    def start(self, name):
        celery = ["-m", "celery", "-q", "-A", "algotrendy.celery", "worker", "-c", "2", "-P", "prefork"]
        commands = {
            "worker": [*celery, "-Q", "orders,marketdata,default", "--without-gossip", "--without-mingle"],
            "feed": ["manage.py", "run_feeds"],
        }
        self.processes[name] = subprocess.Popen(
            [sys.executable, *commands[name]], cwd=ROOT, env=self.environment, start_new_session=True
        )

    def kill(self, name):
        with suppress(ProcessLookupError):
            os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def close(self):
        for name in list(self.processes):
            self.kill(name)


@pytest.fixture
def platform():
    Redis.from_url(settings.REDIS_URL).delete("orders", "marketdata", "default", "unacked", "unacked_index")
    running = Platform()
    yield running
    running.close()


@pytest.fixture
def feed(trader):
    """A trader's strategy on daily candles, of which those before the period are history."""
    datasets.install()
    instrument = Instrument.objects.get(symbol="GOOGL")
    Candle.objects.filter(instrument=instrument, open_time__gte=END).delete()
    strategy = strategy_create(
        portfolio=make_portfolio(trader, initial_cash=D(100_000)),
        name="Cross",
        rule="sma_cross",
        instrument=instrument,
        timeframe="1d",
        parameters={"fast": 3, "slow": 20},
        direction="both",
        sizing_mode="fixed_quantity",
        sizing_value=D(5),
    )
    strategy_enable(strategy=strategy)
    feed = Feed.objects.create(instrument=instrument, timeframe="1d", speed=86400 * 12)
    feed = feed_prime(feed=feed, until=START)
    feed_start(feed=feed, after=feed.position)
    return feed


def expected() -> ReferenceTrader:
    trader = ReferenceTrader(fast=3, slow=20, size=D(5), cash=D(100_000))
    instrument = Instrument.objects.get(symbol="GOOGL")
    for candle in Candle.objects.filter(instrument=instrument, source="csv").order_by("open_time"):
        prices = (candle.open, candle.high, candle.low, candle.close)
        closed = candle.open_time + timedelta(days=1)
        trader.see(candle.open_time, closed, *prices, trades=candle.open_time >= START)
    return trader


def traded(feed) -> int:
    """Return how many candles of the period have been traded; -1 while a server is away."""
    try:
        cursor = SeriesCursor.objects.get(feed=feed)
        after = Candle.objects.filter(instrument=feed.instrument, source="replay", open_time__gte=START)
        return after.filter(open_time__lte=cursor.traded_through).count()
    except Error:
        connections.close_all()
        return -1


def wait_until(feed, count):
    """Wait for so many traded candles; meanwhile ask for waiting work each second, as the scheduler does."""
    deadline = time.monotonic() + PATIENCE
    while (now := traded(feed)) < count:
        assert time.monotonic() < deadline, f"{now} of {count} candles were traded in {PATIENCE} s"
        with suppress(OperationalError):
            current_app.send_task("orders.trade_feeds", retry=False)
            current_app.send_task("orders.sweep", retry=False)
        time.sleep(0.5)


def assert_as_expected(feed):
    reference = expected()
    fills = Fill.objects.order_by("executed_at", "created_at")
    got = list(fills.values_list("executed_at", "side", "quantity", "price", "fee", "realized_pnl"))
    assert got == reference.fills
    assert Portfolio.objects.get().cash == reference.cash
    opened = Candle.objects.filter(instrument=feed.instrument, source="replay").values_list("open_time", flat=True)
    origin = Candle.objects.filter(instrument=feed.instrument, source="csv").values_list("open_time", flat=True)
    assert sorted(opened) == sorted(origin)
    for order in Order.objects.all():
        versions = list(OrderEvent.objects.filter(order=order).order_by("version").values_list("version", flat=True))
        assert versions == list(range(order.version + 1))
    assert not Order.objects.filter(status__in=["pending", "submitted"]).exists()


def test_a_live_replay_with_worker_and_feed_killed_in_the_middle_trades_as_if_nothing_had_happened(feed, platform):
    count = Candle.objects.filter(instrument=feed.instrument, source="csv", open_time__gte=START).count()
    assert count == 167
    platform.start("worker")
    platform.start("feed")
    wait_until(feed, 15)
    platform.kill("worker")
    time.sleep(1)
    platform.start("worker")
    wait_until(feed, 45)
    platform.kill("feed")
    platform.kill("worker")
    platform.start("feed")
    platform.start("worker")
    wait_until(feed, 80)
    platform.kill("worker")
    platform.start("worker")
    wait_until(feed, count)
    assert_as_expected(feed)


def test_a_live_replay_with_both_engines_killed_in_the_middle_trades_as_if_nothing_had_happened(feed, platform):
    count = Candle.objects.filter(instrument=feed.instrument, source="csv", open_time__gte=START).count()
    platform.start("worker")
    platform.start("feed")
    wait_until(feed, 20)
    kill_engine("postgres")
    wait_until(feed, 60)
    kill_engine("valkey")
    wait_until(feed, count)
    assert_as_expected(feed)


def kill_engine(name):
    """Kill the private server itself; its keeper starts it again."""
    state = json.loads((Path(os.environ["ALGOTRENDY_VAR"]).parent / "run" / f"{name}.state").read_text())
    os.kill(state["server_pid"], signal.SIGKILL)
    connections.close_all()
