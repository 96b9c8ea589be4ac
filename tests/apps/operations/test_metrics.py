"""What Prometheus and load balancers are told: true figures, and an answer whatever is down."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal as D
from ipaddress import ip_network

import pytest
from django.core.cache import cache
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from django_redis import get_redis_connection

from apps.accounts.models import ApiSession
from apps.accounts.services import session_begin
from apps.marketdata import breaker
from apps.marketdata.services.watching import market_watch
from apps.operations import health, metrics
from apps.operations.heartbeat import HEARTBEAT_KEY
from apps.operations.tasks import heartbeat, prune
from tests.builders import (
    make_feed,
    make_halt,
    make_history,
    make_instrument,
    make_order,
    make_performance,
    make_portfolio,
    make_position,
    make_strategy,
    make_user,
)

pytestmark = pytest.mark.django_db


def values():
    lines = metrics.scrape().decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_gauges_tell_of_open_positions_orders_and_profit_and_leave_simulations_out(trader):
    portfolio = make_portfolio(trader, realized_pnl=D("12.5"))
    make_position(portfolio, quantity=D(2), entry_price=D(100), mark_price=D(103))
    make_order(portfolio)
    simulation = make_portfolio(trader, name="Simulation", is_simulation=True, realized_pnl=D(999))
    make_position(simulation)
    found = values()
    assert found["active_positions"] == 1
    assert found['pnl_total{kind="realized"}'] == 12.5
    assert found['pnl_total{kind="unrealized"}'] == 6
    assert found['orders_working{status="open"}'] == 1
    assert found['platform_up{part="database"}'] == found['platform_up{part="redis"}'] == 1


def test_the_drift_of_each_strategy_that_trades_is_its_newest(trader):
    portfolio = make_portfolio(trader)
    trading, other = make_strategy(portfolio, "One", enabled=True), make_strategy(portfolio, "Two", enabled=True)
    for percent in ("9", "-1.25"):
        make_performance(trading, drift_percent=D(percent))
    make_performance(other, drift_percent=D("0.5"))
    make_performance(make_strategy(portfolio, "Off"), drift_percent=D(7))
    simulation = make_portfolio(trader, "Simulation", is_simulation=True)
    make_performance(make_strategy(simulation, enabled=True), drift_percent=D(8))
    found = {name: value for name, value in values().items() if name.startswith("strategy_drift_percent")}
    assert found == {
        f'strategy_drift_percent{{rule="rsi",strategy="{trading.pk}"}}': -1.25,
        f'strategy_drift_percent{{rule="rsi",strategy="{other.pk}"}}': 0.5,
    }


def test_a_database_that_is_away_costs_its_own_gauges_only(monkeypatch):
    def fail():
        raise DatabaseError("away")
        yield

    monkeypatch.setattr(metrics, "_from_database", fail)
    found = values()
    assert found['platform_up{part="database"}'] == 0
    assert found['platform_up{part="redis"}'] == 1
    assert "active_positions" not in found


def test_metrics_are_for_this_machine_or_for_who_has_the_token(settings):
    client = Client()
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 403
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1")]
    assert client.get("/metrics", HTTP_X_FORWARDED_FOR="192.0.2.1").status_code == 403, "a proxy on this machine"
    settings.METRICS_TOKEN = "secret-token"
    assert client.get("/metrics").status_code == 403
    answer = client.get("/metrics", headers={"authorization": "Bearer secret-token"}, REMOTE_ADDR="192.0.2.1")
    assert answer.status_code == 200


def test_requests_are_counted_by_pattern_and_answer_with_a_correlation_id(trader):
    client = Client()
    answer = client.get("/api/health/live", headers={"x-request-id": "my-request-42"})
    assert answer.headers["X-Request-ID"] == "my-request-42"
    odd = client.get("/api/health/live", headers={"x-request-id": "bad id\x00"})
    assert re.fullmatch(r"[0-9a-f]{32}", odd.headers["X-Request-ID"])
    assert values()['api_request_duration_seconds_count{method="GET",route="api/health/live",status="200"}'] >= 2


def test_ready_says_what_is_wrong_and_what_to_do(monkeypatch):
    cache.delete(HEARTBEAT_KEY)
    body = Client().get("/api/health/ready").json()
    assert body["status"] == "ok"
    assert body["parts"]["worker"]["status"] == "failed"
    assert "start a Celery worker" in body["parts"]["worker"]["advice"]
    heartbeat()
    assert Client().get("/api/health/ready").json()["parts"]["worker"]["status"] == "ok"

    def away():
        raise DatabaseError

    monkeypatch.setattr(health, "_database", away)
    answer = Client().get("/api/health/ready")
    assert answer.status_code == 503
    assert "DATABASE_URL" in answer.json()["parts"]["database"]["advice"]
    assert Client().get("/api/health/live").status_code == 200


def test_pruning_counts_what_it_deletes():
    assert prune() == {"sessions": 0, "api_sessions": 0, "alerts": 0, "reconciliations": 0, "task_results": 0}
    over = make_user()
    for _ in range(2):
        session_begin(user=over)
    ApiSession.objects.filter(pk=ApiSession.objects.values("pk")[:1]).update(expires_at=timezone.now())
    assert prune()["api_sessions"] == 1
    assert ApiSession.objects.count() == 1


def test_processes_of_two_containers_with_one_process_id_add_up(tmp_path):
    """Both write into one folder under pid 7; what one counts does not overwrite what the other did."""
    script = (
        "import os, socket; os.getpid = lambda: 7; socket.gethostname = lambda: os.environ['NAME'];"
        "import django; django.setup();"
        "from apps.orders.metrics import DENIED; DENIED.labels('x').inc(3);"
        "from apps.operations.metrics import _counters;"
        "print([s.value for m in _counters() for s in m.samples if s.name == 'orders_denied_total'])"
    )
    settled = {**os.environ, "DJANGO_SETTINGS_MODULE": "algotrendy.settings", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = [
        subprocess.run(
            [sys.executable, "-c", script], env={**settled, "NAME": name}, capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("web", "worker")
    ]
    assert done == ["[3.0]", "[6.0]"]


def test_missing_candles_and_the_state_of_exchanges_are_told():
    instrument = make_instrument()
    make_history(instrument)
    position = timezone.now() - timedelta(hours=4)
    make_feed(instrument, source="okx", fallbacks=["kraken"], position=position)
    get_redis_connection("default").flushdb()
    for _ in range(5):
        breaker.failed("okx")
    market_watch()
    lines = metrics.scrape().decode().splitlines()
    assert 'candles_missing{source="okx"} 3.0' in lines
    assert 'alerts_open{code="feed_stale",severity="critical"} 1.0' in lines
    assert 'exchange_circuit_open{exchange="okx"} 1.0' in lines
    assert 'exchange_circuit_open{exchange="kraken"} 0.0' in lines
    (lag,) = (line for line in lines if line.startswith("feed_lag_seconds{"))
    assert abs(float(lag.split()[-1]) - 3 * 3600) < 30  # It opened four hours ago, and closed an hour later.


def test_halts_that_hold_are_told_by_width_and_mode(trader):
    portfolio = make_portfolio(trader)
    make_halt()
    make_halt(portfolio, mode="reducing")
    make_halt(portfolio, mode="reducing", cause="drawdown")
    make_halt(portfolio, mode="reducing", cause="cooldown", ended_at=timezone.now())
    lines = metrics.scrape().decode().splitlines()
    told = sorted(line for line in lines if line.startswith("trading_halts_open{"))
    assert told == [
        'trading_halts_open{mode="halted",width="platform"} 1.0',
        'trading_halts_open{mode="reducing",width="portfolio"} 2.0',
    ]
