"""`manage.py up`: bring up the whole platform and keep it up."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from algotrendy.trading.errors import TradingError
from apps.accounts.services import ensure_first_admin
from apps.common.embedded import EngineError, current
from apps.common.embedded.locks import FileLock
from apps.common.embedded.place import make_folder
from apps.common.kept_secrets import kept_secret
from apps.operations.health import is_migrated
from apps.operations.platform import FLOWER_HOST, Addresses, services
from apps.operations.services import demo
from apps.operations.supervisor import Supervisor


class Command(BaseCommand):
    help = (
        "Bring up the whole platform: web server, event stream, Celery worker and beat, Flower and the market feeds, "
        "with a private PostgreSQL and Redis where DATABASE_URL and REDIS_URL are not set. Ctrl-C stops everything."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="add a demo trader, real candles and strategies")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="port of the web server (default: %(default)s)")
        parser.add_argument("--stream-port", type=int, default=8001, help="port of the event stream (%(default)s)")
        parser.add_argument("--flower-port", type=int, default=5555, help="port of Flower (default: %(default)s)")
        parser.add_argument("--workers", type=int, help="tasks at a time (default: WORKER_CONCURRENCY, else 2)")
        parser.add_argument("--no-flower", action="store_true", help="leave Flower out")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = make_folder(settings.VAR_DIR / "run")
            lock = _take_folder(run / "up.lock")
            try:
                status = self._run(run, options)
            finally:
                lock.release()
        except EngineError as error:
            raise CommandError(str(error)) from error
        if status:
            sys.exit(status)

    def _run(self, run: Path, options: dict[str, Any]) -> int:
        addresses = _addresses(options)
        self._prepare(with_demo=options["demo"])
        connections.close_all()
        _export(run, addresses, options)
        supervisor = Supervisor(services(addresses), watch=_each_second(current().ensure), output=self.stdout._out)
        supervisor.watch = self._announce(supervisor, addresses, supervisor.watch)
        return supervisor.run()

    def _prepare(self, *, with_demo: bool) -> None:
        """Bring the database up to date, and make the first administrator and the demonstration where asked."""
        if not is_migrated():
            self.stdout.write("Bringing the database up to date …")
            call_command("migrate", verbosity=0)
        try:
            admin, password = ensure_first_admin()
            self.stdout.write(
                f"Administrator: {admin.get_username()}, password {password} (shown only this once)"
                if password
                else f"Administrator: {admin.get_username()}"
            )
            if with_demo:
                self.stdout.write(str(demo.install()))
        except TradingError as error:
            raise CommandError(error.message) from error

    def _announce(self, supervisor: Supervisor, addresses: Addresses, then: Callable[[], None]) -> Callable[[], None]:
        """Return a watch that says where everything is as soon as the web server answers."""
        started, waiting = time.monotonic(), True

        def watch() -> None:
            nonlocal waiting
            if waiting and _answers(f"{addresses.web}/api/health/live"):
                waiting = False
                supervisor.say("up", f"Ready after {time.monotonic() - started:.1f} s.")
                for name, url in addresses.shown(_flower_sign_in()):
                    supervisor.say("up", f"{name:<9} {url}")
                supervisor.say("up", "Ctrl-C stops everything.")
            then()

        return watch


def _take_folder(path: Path) -> FileLock:
    """Take the folder for this process alone; raise CommandError that names the process which has it."""
    lock = FileLock(path)
    try:
        is_ours = lock.acquire()
    except OSError as error:
        raise CommandError(f"{path} cannot be opened ({error.strerror}); it may belong to another user.") from error
    if not is_ours:
        pid = path.read_text(encoding="utf-8").strip() or "unknown"
        raise CommandError(f"The platform is running already (process {pid}); stop it with Ctrl-C there first.")
    lock.write(str(os.getpid()))
    return lock


def _addresses(options: dict[str, Any]) -> Addresses:
    """Return where everything will listen; raise CommandError for a port that is taken."""
    host = options["host"]
    wanted = {"port": options["port"], "stream-port": options["stream_port"], "flower-port": options["flower_port"]}
    if options["no_flower"]:
        del wanted["flower-port"]
    for option, port in wanted.items():
        _check_port(FLOWER_HOST if option == "flower-port" else host, port, option)
    if len(set(wanted.values())) < len(wanted):
        raise CommandError("The ports must differ from each other; change one of them.")
    return Addresses(host, wanted["port"], wanted["stream-port"], wanted.get("flower-port"))


def _check_port(host: str, port: int, option: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CommandError(f"Port {port} of {host}: {reason}. Choose another with --{option}.") from error


def _export(run: Path, addresses: Addresses, options: dict[str, Any]) -> None:
    """Tell the children where everything is, where their counters are kept, and how many they are."""
    if options["workers"]:
        os.environ["WORKER_CONCURRENCY"] = str(options["workers"])
    counters = run / "metrics"
    shutil.rmtree(counters, ignore_errors=True)
    counters.mkdir()
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(counters)
    os.environ.setdefault("WEB_URL", addresses.web)
    os.environ.setdefault("STREAM_URL", addresses.stream)
    if addresses.flower_port:
        os.environ.setdefault("FLOWER_URL", addresses.flower)
        if not os.environ.get("FLOWER_BASIC_AUTH"):
            os.environ["FLOWER_BASIC_AUTH"] = f"admin:{kept_secret(_flower_file(), 12)}"


def _flower_sign_in() -> str:
    """Say how to sign in where the password is ours; who has chosen one knows it."""
    path = _flower_file()
    is_ours = path.exists() and os.environ.get("FLOWER_BASIC_AUTH") == f"admin:{path.read_text(encoding='utf-8')}"
    return f"(user admin, password in {path})" if is_ours else ""


def _flower_file() -> Path:
    return Path(settings.VAR_DIR) / "flower.password"


def _each_second(call: Callable[[], None]) -> Callable[[], None]:
    last = time.monotonic()

    def maybe() -> None:
        nonlocal last
        if time.monotonic() - last >= 1:
            last = time.monotonic()
            call()

    return maybe


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - our own address
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
