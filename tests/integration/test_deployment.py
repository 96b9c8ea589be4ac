"""The files that deploy the platform: valid by their own tools, and speaking of what there is."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from apps.operations.metrics import scrape

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
WORD = re.compile(
    r"[a-z_]+(?:_total|_seconds|_seconds_bucket|_seconds_count|_ratio|_positions|_working|_up|_length|_percent)\b"
)
SECRETS = {
    name: "example:password"
    for name in (
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
        "SECRET_KEY",
        "ENCRYPTION_KEYS",
        "METRICS_TOKEN",
        "FLOWER_BASIC_AUTH",
        "SEQ_ADMIN_PASSWORD",
        "GRAFANA_ADMIN_PASSWORD",
    )
}


def run(*command, **environment):
    kept = {name: value for name, value in os.environ.items() if name not in SECRETS}
    return subprocess.run(
        command, cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


def tool(name):
    found = Path(sys.executable).parent / name
    return str(found) if found.exists() else shutil.which(name)


def test_the_compose_file_is_taken_by_compose_and_by_its_specification():
    done = run(tool("docker-compose"), "-f", "docker-compose.yml", "config", "--quiet", **SECRETS)
    assert done.returncode == 0, done.stderr
    done = run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_the_compose_file_has_no_default_secret(missing):
    given = {name: value for name, value in SECRETS.items() if name != missing}
    done = run(tool("docker-compose"), "--env-file", os.devnull, "-f", "docker-compose.yml", "config", "-q", **given)
    assert done.returncode != 0
    assert f"set {missing} in .env" in done.stderr


def test_the_compose_file_has_every_part_and_opens_ports_to_this_machine_only():
    parts = {
        "web",
        "stream",
        "worker",
        "market",
        "venues",
        "backtests",
        "beat",
        "flower",
        "feed",
        "postgres",
        "redis",
        "seq",
        "prometheus",
    }
    parts |= {"grafana"}
    assert parts <= set(COMPOSE["services"])
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize(
    "service", ["web", "stream", "worker", "venues", "market", "backtests", "beat", "flower", "feed"]
)
def test_the_command_of_each_container_is_one_that_runs(service):
    """The program and each of its options are known: asked for help, it names them."""
    command = COMPOSE["services"][service]["command"]
    if command[0] == "python":
        asked, options = [sys.executable, *command[1:], "--help"], []
    elif command[0] == "granian":
        asked, options = [tool("granian"), "--help"], [word for word in command if word.startswith("--")]
    else:
        asked, options = [tool("celery"), *command[1:4], command[4], "--help"], []
    done = run(*asked)
    assert done.returncode == 0, done.stderr
    assert all(option in done.stdout for option in options)
    for target in (word for word in command if word.endswith(":application")):
        module = target.split(":")[0]
        assert run(sys.executable, "-c", f"import {module}; {module}.application").returncode == 0


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed; apt install prometheus")
def test_prometheus_takes_its_rules_and_their_tests_pass():
    assert run("promtool", "check", "rules", "prometheus/alerts.yml").returncode == 0
    done = run("promtool", "test", "rules", "prometheus/alerts_test.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    config = yaml.safe_load((ROOT / "prometheus.yml").read_text())
    assert config["scrape_configs"][0]["metrics_path"] == "/metrics"


@pytest.mark.django_db
def test_every_metric_that_a_dashboard_or_an_alert_names_is_exported():
    dashboard = json.loads((ROOT / "grafana/dashboards/algotrendy.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = yaml.safe_load((ROOT / "prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    named = {word for text in [*expressions, *(rule["expr"] for rule in rules)] for word in WORD.findall(text)}
    types = re.findall(r"# TYPE (\S+) (\S+)", scrape().decode())
    exported = {name for name, _ in types}
    exported |= {f"{name}_{part}" for name, kind in types if kind == "histogram" for part in ("bucket", "count")}
    # The names that the platform has promised, and nothing that it does not export.
    promised = {"orders_total", "orders_filled_total", "active_positions", "pnl_total", "strategy_signals_total"}
    promised |= {
        "strategy_drift_percent",
        "broker_api_calls_total",
        "cache_hit_ratio",
        "api_request_duration_seconds_bucket",
    }
    assert promised <= named
    assert named <= exported


def test_the_dashboard_reads_from_the_provisioned_source():
    source = yaml.safe_load((ROOT / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
    dashboard = json.loads((ROOT / "grafana/dashboards/algotrendy.json").read_text())
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"]}


def test_every_variable_that_is_read_is_explained():
    example = set(re.findall(r"^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    sources = [*(ROOT / "algotrendy/settings").glob("*.py"), ROOT / "apps/operations/services/demo.py"]
    pattern = re.compile(r"""(?:env\.\w+|optional|required|environ\.get)\(\s*"([A-Z][A-Z_]+)\"""")
    read = {name for path in sources for name in pattern.findall(path.read_text())}
    compose = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert read
    assert sorted((read | compose) - example) == []
