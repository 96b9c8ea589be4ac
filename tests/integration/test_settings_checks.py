"""Settings as production has them raise no finding; dangerous combinations do not start at all.

What each combination is told is asked of forks of one process; that processes do not start, of real ones.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.faults.support import clean_environment
from tests.integration.forking import Forking
from tests.processes import database_url

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DATABASE_URL": "postgres://user:password@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "4pG7dQn2XzR8vKc1TbY6mLh3WfJ9sEa5UoIi0CxNgPqZrVtMyBkDwHuFlSe",
    "ENCRYPTION_KEYS": "kTz8Yq1Rw5Nc3Vb7Xm9Lp2Hs6Jd4Fg0AaSeDiUo",
    "EMAIL_URL": "smtp+tls://user:password@mail.example:587",
    "ALLOWED_HOSTS": "trade.example",
    "HTTPS": "true",
    "BEHIND_TLS_PROXY": "true",
    "METRICS_TOKEN": "a-token-for-prometheus",
    "WEB_URL": "https://trade.example",
    "STREAM_URL": "https://stream.trade.example",
    "CORS_ALLOWED_ORIGINS": "https://app.example",
}
DANGEROUS = {
    "any host": ({"ALLOWED_HOSTS": "*"}, "E001"),
    "no TLS for a public host": ({"HTTPS": "false"}, "E002"),
    "no TLS for a private network": ({"HTTPS": "false", "ALLOWED_HOSTS": "localhost,192.168.1.5"}, "E002"),
    "debugging in public": ({"DEBUG": "true"}, "E003"),
    "debugging with real money": (
        {"DEBUG": "true", "LIVE_TRADING": "true", "HTTPS": "false", "ALLOWED_HOSTS": "localhost"},
        "E004",
    ),
    "a short key": ({"SECRET_KEY": "short"}, "E005"),
    "a key of one letter": ({"SECRET_KEY": "a" * 60}, "E005"),
    "metrics for all behind a proxy": ({"METRICS_TOKEN": ""}, "E006"),
    "any origin": ({"CORS_ALLOWED_ORIGINS": "*"}, "E007"),
    "origins by pattern": ({"CORS_ALLOWED_ORIGINS": "https://*.example"}, "E007"),
    "files as origin": ({"CORS_ALLOWED_ORIGINS": "null"}, "E007"),
    "an origin in the clear": ({"CORS_ALLOWED_ORIGINS": "http://app.example"}, "E008"),
}


def run(*command: str, **changed: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment(**{**PRODUCTION, **changed})
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def forking() -> Iterator[Forking]:
    running = Forking(clean_environment(**PRODUCTION))
    yield running
    running.close()


def check(forking: Forking, *options: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """Return what `manage.py check` says of production's settings with those changed."""
    return forking.run("check", *options, environment=clean_environment(**{**PRODUCTION, **changed}))


def test_orders_are_not_given_up_while_they_may_be_on_their_way() -> None:
    done = run("manage.py", "check", EXCHANGE_TIMEOUT_SECONDS="20")
    assert done.returncode != 0
    assert "ORDER_PROOF_SECONDS must be at least twice EXCHANGE_TIMEOUT_SECONDS" in done.stderr


def test_production_settings_raise_no_finding() -> None:
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues (1 silenced)" in done.stdout


def test_a_fork_finds_what_a_process_of_its_own_finds(forking: Forking) -> None:
    changed = {"ALLOWED_HOSTS": "*", "DEBUG": "true", "SECRET_KEY": "short"}
    alone, forked = run("manage.py", "check", **changed), check(forking, **changed)
    assert (forked.returncode, forked.stdout) == (alone.returncode, alone.stdout)
    assert forked.stderr.endswith(alone.stderr)  # A log comes before it: the fork's logging is set up already.
    assert "algotrendy.E005" in forked.stderr


@pytest.mark.parametrize("case", DANGEROUS)
def test_a_dangerous_combination_is_refused_with_advice(case: str, forking: Forking) -> None:
    changed, number = DANGEROUS[case]
    done = check(forking, **changed)
    assert done.returncode != 0
    assert f"algotrendy.{number}" in done.stderr
    assert "HINT" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("-c", "import algotrendy.wsgi"),
        ("-c", "import algotrendy.asgi"),
        ("-m", "celery", "-A", "algotrendy.celery", "worker"),
    ],
    ids=["web", "stream", "worker"],
)
def test_no_server_starts_with_a_dangerous_combination(command: tuple[str, ...]) -> None:
    done = run(*command, DEBUG="true")
    assert done.returncode != 0
    assert "DEBUG is on where others may come" in done.stderr


def test_beat_does_not_start_with_a_dangerous_combination(db: None) -> None:
    urls = {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL}
    done = run("-m", "celery", "-A", "algotrendy.celery", "beat", "--pidfile=", DEBUG="true", **urls)
    assert done.returncode != 0
    assert "DEBUG is on where others may come" in done.stderr


def test_names_of_containers_and_of_this_machine_need_no_tls(forking: Forking) -> None:
    done = check(forking, HTTPS="false", ALLOWED_HOSTS="localhost,127.0.0.1,[::1],web,app.localhost")
    assert done.returncode == 0, done.stderr


COOKIES = """
from algotrendy import settings as ours
from django.conf import global_settings as default
names = "SESSION_COOKIE_NAME SESSION_COOKIE_SECURE SESSION_COOKIE_HTTPONLY SESSION_COOKIE_SAMESITE "
names += "SESSION_COOKIE_PATH SESSION_COOKIE_DOMAIN CSRF_COOKIE_NAME CSRF_COOKIE_SECURE SECURE_HSTS_SECONDS"
print([getattr(ours, name, getattr(default, name, "")) for name in names.split()])
"""


def test_behind_tls_cookies_belong_to_this_host_alone() -> None:
    done = run("-c", COOKIES)
    assert done.stdout.strip() == (
        "['__Host-sessionid', True, True, 'Lax', '/', None, '__Host-csrftoken', True, 31536000]"
    ), done.stderr
