"""People's own strategies in the platform: begun by a command, listed, traded, and told of where they are broken."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.urls import reverse
from structlog.testing import capture_logs

from algotrendy.trading.strategies import registry
from apps.accounts.models import User
from apps.marketdata import datasets
from apps.marketdata.selectors import instrument_get
from apps.operations.metrics import scrape
from apps.strategies.files import files_watch
from apps.strategies.models import Strategy
from tests.apps.dashboard.conftest import ConsoleFor, console_for
from tests.builders import make_portfolio
from tests.conftest import ClientFor
from tests.trading.files import GOOD, edited, write

__all__ = ["console_for"]
LIST = "admin:strategies_strategy_changelist"
BROKEN = edited("number(20", "number(200")
AT = BROKEN.splitlines().index(next(line for line in BROKEN.splitlines() if "number(200" in line)) + 1


@pytest.fixture
def folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that the platform watches, looked at whenever somebody asks."""
    path = tmp_path / "strategies"
    path.mkdir(mode=0o755)
    settings.STRATEGIES_DIR, settings.STRATEGIES_CACHE = path, tmp_path / "verdicts"
    monkeypatch.setattr("algotrendy.trading.strategies.loading.EVERY", 0.0)
    files_watch()
    yield path
    settings.STRATEGIES_DIR = None
    files_watch()


# --- The command that begins one ------------------------------------------------------------------------------------


def test_what_strategy_new_writes_passes_its_own_test_and_loads(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("strategy_new", "slow_mean")
    out = capsys.readouterr().out
    assert f"-m pytest {folder}/test_slow_mean.py" in out
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}  # no database, no settings, no path
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(folder)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout
    rule = registry.get("slow_mean")
    assert (rule.title, rule.configure({}).warm_up) == ("Slow mean", 19)
    assert registry.problems() == ()


def test_the_skeletons_test_notices_what_it_is_for(folder: Path, tmp_path: Path) -> None:
    call_command("strategy_new", "slow_mean")
    path = folder / "slow_mean.py"
    text = path.read_text()
    for old, new in (
        ("percent > self.distance", "percent < self.distance"),
        ("candles.close / average - 1", "candles.close / candles.close.mean() - 1"),
    ):
        assert old in text
        path.write_text(text.replace(old, new, 1))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", str(folder)],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 1, done.stdout


def test_the_skeleton_keeps_the_houses_style(folder: Path) -> None:
    call_command("strategy_new", "slow_mean")
    root = Path(django_settings.BASE_DIR)
    for arguments in (["check", "--ignore", "I001,S101"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "--config", str(root / "pyproject.toml"), str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["slow_strategy", "strategy", "candles", "a", "x_2"])
def test_any_good_name_gives_a_strategy_that_loads(folder: Path, name: str) -> None:
    call_command("strategy_new", name)
    assert name in registry.names()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SlowMean", "is no name of a strategy"),
        ("slow-mean", "is no name of a strategy"),
        ("../slow", "is no name of a strategy"),
        ("slow__mean", "is no name of a strategy"),
        ("a" * 65, "is no name of a strategy"),
        ("rsi", "There is a strategy 'rsi' already"),
        ("test_mean", "would be taken for a test"),
        ("conftest", "would be taken for a test"),
        ("class", "means something to Python"),
        ("statistics", "means something to Python"),
        ("numpy", "means something to Python"),
    ],
)
def test_a_name_that_would_not_do_is_refused(folder: Path, name: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("strategy_new", name)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("there", ["slow_mean.py", "test_slow_mean.py"])
def test_nothing_is_written_over(folder: Path, there: str) -> None:
    write(folder, there, "mine")
    with pytest.raises(CommandError, match=f"{there} exists already"):
        call_command("strategy_new", "slow_mean")
    assert [path.name for path in folder.iterdir()] == [there]
    assert (folder / there).read_text() == "mine"


def test_another_folder_is_made_and_its_pytest_settings_stay(tmp_path: Path, capsys: Any, settings: Any) -> None:
    with pytest.raises(CommandError, match="set STRATEGIES_DIR"):
        call_command("strategy_new", "slow_mean")
    other = tmp_path / "deep" / "er"
    call_command("strategy_new", "slow_mean", "--folder", str(other))
    assert f"once STRATEGIES_DIR is {other}" in capsys.readouterr().out
    (other / "pytest.ini").write_text("[pytest]\n")
    call_command("strategy_new", "second", "--folder", str(other))
    assert (other / "pytest.ini").read_text() == "[pytest]\n"
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("strategy_new", "third", "--folder", "/proc/nowhere")


# --- The list -------------------------------------------------------------------------------------------------------


def test_strategy_files_lists_each_with_its_state_and_fails_where_one_is_broken(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("strategy_files")
    assert f"There are no strategy files in {folder}" in capsys.readouterr().out
    write(folder, "mine.py", GOOD)
    call_command("strategy_files")
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["File", "Strategies", "State", "Error"], ["mine.py", "mine", "loaded"],
    ]  # fmt: skip
    write(folder, "other.py", BROKEN)
    for again in ([], ["--again"]):
        with pytest.raises(SystemExit) as caught:
            call_command("strategy_files", *again)
        assert caught.value.code == 1
        lines = capsys.readouterr().out.splitlines()
        assert re.fullmatch(rf"other\.py +broken +line {AT}: The default of period must be between .*", lines[2])


# --- The API --------------------------------------------------------------------------------------------------------


def test_rules_tell_where_they_come_from_and_can_be_configured(
    folder: Path, trader: User, client_for: ClientFor
) -> None:
    write(folder, "mine.py", GOOD)
    client, portfolio = client_for(trader), make_portfolio(trader)
    datasets.install()
    rules = {rule["name"]: rule for rule in client.get("/api/strategies/rules").json()}
    assert rules["rsi"]["origin"] == {"kind": "shipped", "name": ""}
    assert rules["mine"]["origin"] == {"kind": "file", "name": "mine.py"}
    body = {
        "portfolio": str(portfolio.pk), "name": "My own", "rule": "mine", "symbol": "EUR/USD", "timeframe": "1h",
        "parameters": {"period": 5},
    }  # fmt: skip
    made = client.post("/api/strategies", body, format="json")
    assert made.status_code == 201
    assert made.json()["parameters"] == {"period": 5, "shorts": True}
    write(folder, "mine.py", BROKEN)
    refused = client.post(f"/api/strategies/{made.json()['id']}/enable")
    assert refused.status_code == 409
    assert "mine.py" in refused.json()["detail"]
    assert str(folder) not in refused.content.decode()


def test_only_administrators_read_what_is_broken(
    folder: Path, admin: User, trader: User, client_for: ClientFor
) -> None:
    path = write(folder, "mine.py", BROKEN)
    message = "The default of period must be between 2 and 100, not 200."
    problems = client_for(admin).get("/api/strategies/rules/problems")
    assert problems.json() == [{"path": str(path), "line": AT, "message": message}]
    assert client_for(trader).get("/api/strategies/rules/problems").status_code == 403
    assert "mine" not in {rule["name"] for rule in client_for(trader).get("/api/strategies/rules").json()}


# --- The console ----------------------------------------------------------------------------------------------------


def test_the_forms_have_fields_for_strategies_that_came_since_the_start(
    folder: Path, trader: User, console_for: ConsoleFor
) -> None:
    portfolio = make_portfolio(trader)
    datasets.install()
    console = console_for(trader)
    for model in ("strategy", "backtest"):
        add = reverse(f"admin:strategies_{model}_add")
        assert "mine__period" not in console.get(add).context["adminform"].form.fields
        write(folder, "mine.py", GOOD)
        page = console.get(add)
        assert "mine__period" in page.context["adminform"].form.fields
        assert "rule == &#x27;mine&#x27;" in page.content.decode() or "rule == 'mine'" in page.content.decode()
        (folder / "mine.py").unlink()
    write(folder, "mine.py", GOOD)
    given = {
        "name": "Own", "portfolio": str(portfolio.pk), "timeframe": "1h", "rule": "mine", "mine__period": "7",
        "mine__shorts": "", "direction": "long_only", "sizing_mode": "percent_of_equity", "sizing_value": "5",
        "min_confidence": "0", "instrument": instrument_get("EUR/USD").pk, "approval_minutes": "15",
    }  # fmt: skip
    console.post(reverse("admin:strategies_strategy_add"), given)
    assert Strategy.objects.get(name="Own").parameters == {"period": 7, "shorts": False}


def test_a_rule_without_parameters_can_be_configured_in_the_console(
    folder: Path, trader: User, console_for: ConsoleFor
) -> None:
    lines = GOOD.replace("self.period", "20").replace("self.shorts", "True").splitlines()
    write(folder, "mine.py", "\n".join(line for line in lines if "number(20" not in line and "switch(True" not in line))
    assert registry.problems() == ()
    portfolio = make_portfolio(trader)
    datasets.install()
    given = {
        "name": "Own", "portfolio": str(portfolio.pk), "timeframe": "1h", "rule": "mine", "direction": "long_only",
        "sizing_mode": "percent_of_equity", "sizing_value": "5", "min_confidence": "0", "approval_minutes": "15",
        "instrument": instrument_get("EUR/USD").pk,
    }  # fmt: skip
    console_for(trader).post(reverse("admin:strategies_strategy_add"), given)
    assert Strategy.objects.get(name="Own").parameters == {}


def test_administrators_see_broken_files_on_the_list_and_others_do_not(
    folder: Path, admin: User, trader: User, console_for: ConsoleFor
) -> None:
    assert "broken-files" not in console_for(admin).get(reverse(LIST)).content.decode()
    write(folder, "mine.py", BROKEN)
    page = console_for(admin).get(reverse(LIST)).content.decode()
    assert f"mine.py, line {AT}" in page
    assert "The default of period must be between 2 and 100, not 200." in page
    assert str(folder) not in page
    assert "mine.py" not in console_for(trader).get(reverse(LIST)).content.decode()


def test_what_a_file_raises_is_shown_as_text(folder: Path, admin: User, console_for: ConsoleFor) -> None:
    write(folder, "mine.py", "raise ValueError('<script>alert(1)</script>')\n")
    page = console_for(admin).get(reverse(LIST)).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


# --- Metric, log, command line --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_metric_counts_broken_files(folder: Path) -> None:
    assert "strategy_files_broken 0.0" in scrape().decode()
    write(folder, "a.py", BROKEN)
    write(folder, "b.py", "(")
    assert "strategy_files_broken 2.0" in scrape().decode()


def test_a_change_of_state_is_logged_once(folder: Path) -> None:
    with capture_logs() as logs:
        write(folder, "mine.py", GOOD)
        registry.names()
        path = write(folder, "mine.py", BROKEN)
        for _ in range(3):
            registry.names()
        write(folder, "mine.py", GOOD)
        registry.names()
    told = [{k: v for k, v in log.items() if k not in ("log_level", "logger")} for log in logs]
    event = "strategy_files_changed"
    assert told == [
        {"event": event, "added": ["mine"], "gone": [], "changed": [], "broken": 0},
        {"event": "strategy_file_broken", "file": str(path), "line": AT,
         "error": "The default of period must be between 2 and 100, not 200."},
        {"event": event, "added": [], "gone": ["mine"], "changed": [], "broken": 1},
        {"event": event, "added": ["mine"], "gone": [], "changed": [], "broken": 0},
    ]  # fmt: skip


@pytest.mark.django_db
def test_an_own_strategy_is_backtested_by_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    datasets.install()
    write(folder, "mine.py", GOOD)
    arguments = ["mine", "--instrument", "GOOGL", "--timeframe", "1d", "--from", "2016-01-01", "--param", "period=10"]
    call_command("backtest", *arguments)
    assert re.search(r"Strategy +mine \(period 10, shorts true\)", capsys.readouterr().out)
    late = "0.6 if len(candles) < 2000 else 1.5"  # more candles than it is tried on
    write(folder, "mine.py", edited("np.full(len(candles), 0.6)", f"np.full(len(candles), {late})"))
    assert registry.problems() == ()
    with pytest.raises(CommandError, match=r"The rule mine returned 1.5 confidence, .* on candle 200\d-"):
        call_command("backtest", *arguments[:5], "--from", "2005-01-01")
