"""The order pipeline as real processes, each of which may be killed at any time and is started again at once."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import redis
import requests
from celery import Celery

from apps.marketdata.forming import PREFIX, SECONDS_KEPT
from tests.exchange.process import ExchangeProcess
from tests.faults.order_trials import ACCOUNTS, HOME, SYMBOLS
from tests.faults.support import PROJECT, Holder, clean_environment
from tests.processes import free_port, wait_for_port

TICK = 1.0
"""Seconds between two sweeps; comparisons come at every sixth."""
CASH = 1_000_000
TICKED = ("orders.sweep", "orders.follow", "orders.watch_prices")


class OrderPlatform:
    """Two web servers, two workers, engines of their own and an exchange; scheduled work is asked for as beat does.

    There are two web servers so that trials need not wait for one to start: clients turn to the other, as behind a
    proxy.
    """

    def __init__(self, holder: Holder, exchange: ExchangeProcess, var: Path) -> None:
        self.holder, self.exchange = holder, exchange
        self.environment = clean_environment(
            DATABASE_URL=holder["database"],
            REDIS_URL=holder["redis"],
            ALGOTRENDY_VAR=str(var),
            DJANGO_SETTINGS_MODULE="algotrendy.settings.test",
            SECRET_KEY="for-tests-" + "x1y2z3" * 8,
            ENCRYPTION_KEYS="k" * 40,
            ALLOWED_HOSTS="localhost,127.0.0.1",
            HTTPS="false",
            RATE_LIMITS="false",
            LOG_LEVEL="WARNING",
            **{**exchange.environment, "EXCHANGE_TIMEOUT_SECONDS": "1", "ORDER_PROOF_SECONDS": "2.5"},
        )
        for account in ACCOUNTS.values():
            rights = {"enableFutures": account.market == "swap"}
            opened = {"key": account.key, "secret": account.secret, "balances": {"USDT": 2 * CASH}, "rights": rights}
            exchange.trade(open_account=opened)
        self.prices = dict.fromkeys(SYMBOLS, HOME)
        self.depth: dict[str, str] = {}
        self._run("manage.py", "migrate", "--verbosity", "0")
        self.ids: dict[str, Any] = json.loads(self._run("-m", "tests.faults.order_seed", str(CASH)))
        self.ports = {"web": free_port(), "web-2": free_port()}
        self.serving = "web"
        self.log = (var.parent / "processes.log").open("ab")
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.starting = threading.RLock()
        # Not the current application, to which the tests after this one send.
        self.celery = Celery(broker=holder["redis"], set_as_current=False)
        self.celery.conf.broker_transport_options = {"socket_connect_timeout": 1}
        self.celery.conf.task_routes = {"orders.*": {"queue": "orders"}}
        self.is_over = threading.Event()
        for name in ("worker", "worker-2", *self.ports):
            self.start(name)
        for name, port in self.ports.items():
            wait_for_port(port, self.processes[name])
        self.clock = threading.Thread(target=self._tick, daemon=True)
        self.clock.start()

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=PROJECT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.strip().rpartition("\n")[2]

    def start(self, name: str) -> None:
        celery = ["-m", "celery", "-q", "-A", "algotrendy.celery", "worker", "-c", "2", "-Q", "orders,venues,default"]
        commands = {
            "worker": [*celery, "-n", "a@faults", "--without-gossip", "--without-mingle"],
            "worker-2": [*celery, "-n", "b@faults", "--without-gossip", "--without-mingle"],
            **{
                web: [
                    "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--no-ws",
                    "--log-level", "critical", "algotrendy.wsgi:application",
                ]
                for web, port in self.ports.items()
            },
        }  # fmt: skip
        self.processes[name] = subprocess.Popen(
            [sys.executable, *commands[name]],
            cwd=PROJECT,
            env=self.environment,
            start_new_session=True,
            stdout=self.log,
            stderr=self.log,
        )

    def kill(self, victim: str) -> None:
        """Kill -9, and start again what has nobody else to do so: both workers, or the web server that was asked."""
        if victim in ("valkey", "postgres"):
            # It may be dead already, with its state not yet written.
            with contextlib.suppress(ProcessLookupError, FileNotFoundError, json.JSONDecodeError, KeyError):
                state = json.loads((Path(self.environment["ALGOTRENDY_VAR"]) / "run" / f"{victim}.state").read_text())
                os.kill(state["server_pid"], signal.SIGKILL)
            return
        names = [self.serving] if victim == "web" else ["worker", "worker-2"]
        with self.starting:
            for name in names:
                self._kill_group(name)
            for name in names:
                self.start(name)

    def _kill_group(self, name: str) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def _tick(self) -> None:
        """Ask for what is due, as beat does, tell prices, as feeds do, and look after what has died, as `up` does:
        engines' keepers give up one that dies five times within a minute, and a worker may not survive an engine.
        """
        for number in itertools.count():
            if self.is_over.wait(TICK):
                return
            self.holder.ensure()
            with self.starting:
                for name in [name for name, process in self.processes.items() if process.poll() is not None]:
                    self.start(name)
            self._tell_prices()
            for task in (*TICKED, *(["orders.reconcile"] if number % 6 == 0 else [])):
                with contextlib.suppress(Exception):
                    self.celery.send_task(task, retry=False, expires=5, ignore_result=True)

    def move(self, prices: dict[str, Decimal]) -> None:
        """Let prices change at the exchange, and be told of."""
        self.exchange.trade(prices={symbol.replace("/", ""): str(price) for symbol, price in prices.items()})
        self.prices |= prices
        self._tell_prices()

    def thin(self, symbol: str, quantity: str) -> None:
        """Let no more than this be had at once of an instrument."""
        self.depth[symbol.replace("/", "")] = quantity
        self.exchange.trade(depth=self.depth)

    def go_home(self) -> None:
        """Bring every price back to where trials begin, in a market that has enough for everybody."""
        self.depth.clear()
        self.exchange.trade(depth={})
        self.move(dict.fromkeys(SYMBOLS, HOME))

    def _tell_prices(self) -> None:
        """Write the newest prices where feeds write those of unfinished candles."""
        now = datetime.now(UTC).isoformat()
        with contextlib.suppress(redis.RedisError):
            server = self.holder.redis()
            for symbol, price in self.prices.items():
                figures = {"time": now, "at": now, "close": str(price)}
                server.set(f"{PREFIX}{symbol}", json.dumps(figures), ex=SECONDS_KEPT)
            server.close()

    def call(self, method: str, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """Call the API until it gives a definite answer, as a client does that knows of ids."""
        deadline = time.monotonic() + 60
        for name in itertools.cycle(self.ports):
            if time.monotonic() > deadline:
                raise AssertionError("The API gave no definite answer for a minute.")
            self.serving = name
            with contextlib.suppress(requests.RequestException):
                answer = requests.request(
                    method, f"http://127.0.0.1:{self.ports[name]}/api{path}", json=body or None, timeout=5,
                    headers={"X-API-Key": self.ids["key"]},
                )  # fmt: skip
                if answer.status_code < 500:
                    return answer.status_code, answer.json()
            time.sleep(0.1)
        raise AssertionError("There is no web server.")

    def rows(self, statement: str) -> list[Any]:
        """Read from the database, once it is back."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.holder.sql(statement)
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def close(self) -> None:
        self.is_over.set()
        self.clock.join()
        for name in self.processes:
            self._kill_group(name)
        self.log.close()
