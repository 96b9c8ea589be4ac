"""Strategies of files: what is wrong is told with its line, and nothing that a file does stops who loads it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from algotrendy.trading.errors import InvalidParameter, UnknownStrategy
from algotrendy.trading.strategies import folders, registry
from algotrendy.trading.strategies.limits import MEGABYTE, Limits
from algotrendy.trading.strategies.loading import Library
from algotrendy.trading.strategies.origins import Origin, Problem
from algotrendy.trading.strategies.probing import probe_content
from tests.trading.builders import eurusd
from tests.trading.files import GOOD, edited, good, write

QUICK = Limits(import_seconds=1, trial_seconds=2, waiting=1, memory=512 * MEGABYTE)
PATIENT = replace(QUICK, waiting=20)
"""For what uses up its processor time: on a busy machine that takes longer by the clock."""
SHIPPED = {"rsi", "macd"}


class Clock:
    """Goes on by a second and more each time that it is looked at, so that every question looks at the folder."""

    def __init__(self) -> None:
        self.time, self.step = 0.0, 2.0

    def __call__(self) -> float:
        self.time += self.step
        return self.time


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "strategies"
    path.mkdir(mode=0o755)
    return path


@pytest.fixture
def library(folder: Path, tmp_path: Path) -> Library:
    return Library(folder, cache=tmp_path / "cache", taken=SHIPPED, packages=False, limits=QUICK, clock=Clock())


def told(library: Library) -> list[tuple[str, int, str]]:
    return [(problem.path.name, problem.line, problem.message) for problem in library.now().problems]


# --- What is wrong, and where ---------------------------------------------------------------------------------------


def line_of(text: str, words: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)


ACTIONS = "    def actions(self, candles):\n        return np.zeros(len(candles), np.int8)\n\n"


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        # It parses.
        (GOOD + "\nif True print()\n", "if True print", "SyntaxError: "),
        (b"x = '\xff'\n", 1, "SyntaxError: "),
        (b"x = 1\0\n", 1, "SyntaxError: .*null bytes"),
        # It imports.
        ("import numpy\nimport no_such_module\n", 2, "ModuleNotFoundError: No module named 'no_such_module'"),
        (GOOD + "\n1 / 0\n", "1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)\n", 1, "SystemExit: 3"),
        ("\nraise KeyboardInterrupt\n", 2, "KeyboardInterrupt"),
        (edited("(frozen=True)", ""), "@dataclass", "TypeError: cannot inherit non-frozen dataclass"),
        ("x = 1\n", 1, "The file defines no strategy"),
        # Names.
        (edited('"mine"', '"My rule"'), 'name: Cl', "The name 'My rule' is not made of lower-case letters"),
        (edited('"mine"', '"rsi"'), 'name: Cl', "The name 'rsi' is taken by another strategy"),
        (edited('"mine"', "7"), 'name: Cl', "Mine needs a name: a text"),
        (edited('"Mine"', '""'), "title", "Mine needs a title: a text"),
        (GOOD + "\n\n@dataclass(frozen=True)\nclass Other(Mine):\n    name = 'mine'\n", "name: Cl", "two strategies"),
        (edited("    def explain", "    def explained"), "class Mine", "Mine does not define explain"),
        (edited("@dataclass(frozen=True)\n", ""), "class Mine", r"Mine needs @dataclass\(frozen=True\)"),
        # Parameters.
        (edited("period: int", "period: str"), "period: str", "period must be an int, a float or a bool, not str"),
        (edited("number(20", "number(200"), "number(200", "The default of period must be between 2 and 100, not 200"),
        (edited("number(20", "number(2.5"), "number(2.5", "The default of period must be a whole number"),
        (edited("number(20", "number('2'"), "number('2'", "The default of period must be a number, not '2'"),
        (edited("minimum=2", "minimum=200"), "number(20", "period needs a range"),
        (edited("maximum=100", "maximum=float('inf')"), "number(20", "period needs a range"),
        (edited('"Candles of the average."', '" "'), "number(20", "period needs a description"),
        (edited("switch(True", "switch(1"), "switch(1", "The default of shorts must be true or false, not 1"),
        (edited("shorts: bool", "shorts: int"), "switch(", r"shorts is int: use number\(...\)"),
        (
            edited('number(20, "Candles of the average.", minimum=2, maximum=100)', "20"),
            "period: int",
            r"period must be declared with number\(...\) or switch\(...\)",
        ),
        (
            edited("    @property", "    def validate(self):\n        raise ValueError('never')\n\n    @property"),
            "raise ValueError",
            "With its defaults: ValueError: never",
        ),
        # Warm-up.
        (edited("return self.period - 1", "return -1"), "def warm_up", "from 0 to 10,000, not -1"),
        (edited("return self.period - 1", "return 2.0"), "def warm_up", "a whole number from 0 to 10,000, not 2.0"),
        (edited("return self.period - 1", "return 10**9"), "def warm_up", "not 1000000000"),
        (edited("return self.period - 1", "return self.missing"), "self.missing", "AttributeError"),
        # Signals.
        (edited("return compose(", "return len("), "return len(", "TypeError: len"),
        (edited("average = ind", "return None\n        average = ind"), "def signals", "returned NoneType"),
        (edited("np.full(len(candles), 0.6)", "np.full(len(candles), 1.5)"), "def signals", "1.5 confidence"),
        (
            edited("average = ind", "candles.close[0] = 1\n        average = ind"),
            "candles.close[0]",
            "On generated candles: ValueError: assignment destination is read-only",
        ),
        (edited("candles.close > average", "candles.close[1:] > 0"), "compose(", "ValueError: .*broadcast"),
        (edited("average = ind", "raise SystemExit\n        average = ind"), "raise SystemExit", "SystemExit"),
        (
            edited("np.full(len(candles), 0.6)", "np.random.default_rng().random(len(candles))"),
            "def signals",
            "mine says something else when it is asked again about the same candles",
        ),
        (
            edited("    def explain", ACTIONS + "    def explain"),
            "def actions",
            "actions and signals disagree",
        ),
        (edited('return "because"', "return 7"), "def explain", "explain must return a text, not int"),
        # The future.
        (
            edited("candles.close > average", "np.append(candles.close[1:], 0) > average"),
            "def signals",
            "mine looks ahead: .* of .* cuts",
        ),
        (edited("candles.close > average", "candles.close > candles.close.mean()"), "def signals", "looks ahead"),
    ],
)  # fmt: skip
def test_a_broken_file_is_told_with_its_line(text: str | bytes, at: int | str, message: str) -> None:
    content = text if isinstance(text, bytes) else text.encode()
    verdict = probe_content(content, SHIPPED, QUICK)
    assert re.search(message, verdict.message), verdict
    assert verdict.line == (at if isinstance(at, int) else line_of(content.decode(), at))
    assert not verdict.found


def test_a_look_ahead_on_few_rows_is_found() -> None:
    """A rule that trades on one candle in fifty is cut where it trades."""
    rare = "(candles.time // 3600 % 50 == 0) & (np.append(candles.close[1:], 0) > candles.close)"
    text = edited("candles.close > average", rare).replace("(candles.close < average)", "(candles.close < 0)")
    assert "looks ahead" in probe_content(text.encode(), SHIPPED, QUICK).message


@pytest.mark.parametrize(
    ("lines", "at", "message"),
    [
        (["import os", "os._exit(0)"], 2, "The process ended with status 0 while it was imported."),
        (["try:", "    import os", "    os._exit(7)", "except BaseException:", "    pass"], 3, "ended with status 7"),
        (["import ctypes", "ctypes.string_at(0)"], 2, "The process was ended by SIGSEGV while it was imported."),
        (["import os", "os.abort()"], 2, "SIGABRT"),
        (["import os, signal", "os.kill(os.getpid(), signal.SIGKILL)"], 1, "SIGKILL while it was imported"),
        (["x = 1", "while True:", "    x += 1"], None, "more than 1 s of processor time while it was imported."),
        (["while True:", "    try:", "        1 / 0", "    except BaseException:", "        pass"], None, "took more"),
        (["import re", "re.match('(a*)*b', 'a' * 40)"], 2, "It took more than 1 s of processor time"),  # no bytecode
        (["import time", "time.sleep(60)"], 2, "It took more than 2 s while it was imported."),
        (["import numpy as np", "x = np.ones(10**9)"], 2, "MemoryError"),
        (["x = []", "while True:", "    x.append('x' * 1_000_000)"], 3, "MemoryError"),
        (["def f(): f()", "f()"], 1, "RecursionError"),
    ],
)  # fmt: skip
def test_nothing_that_a_file_does_at_its_import_stops_who_asks(lines: list[str], at: int | None, message: str) -> None:
    begin = time.monotonic()
    limits = PATIENT if "processor" in message else QUICK
    verdict = probe_content("\n".join(lines).encode(), SHIPPED, limits)
    assert message in verdict.message
    assert at in (None, verdict.line)
    assert time.monotonic() - begin < 7 + limits.waiting


def test_a_rule_that_never_ends_on_the_trial_is_told() -> None:
    content = edited("average = ind", "while True: pass\n        average = ind").encode()
    verdict = probe_content(content, SHIPPED, PATIENT)
    assert verdict.message == "It took more than 2 s of processor time while it was tried."
    assert verdict.line == line_of(GOOD, "average = ind")


def test_what_a_file_prints_or_starts_does_not_reach_us(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pid = tmp_path / "pid"
    noisy = "\n".join([
        "import os, sys, time",
        "print('VERDICT {}' * 100_000)",
        "sys.stderr.write('noise')",
        "os.write(1, b'noise')",
        "child = os.fork()",
        f"open({str(pid)!r}, 'w').write(str(child)) if child else time.sleep(60)",
    ])  # fmt: skip
    verdict = probe_content(f"{noisy}\n{GOOD}".encode(), SHIPPED, QUICK)
    assert [found.name for found in verdict.found] == ["mine"]
    assert capfd.readouterr() == ("", "")
    child, end = int(pid.read_text()), time.monotonic() + 5
    while time.monotonic() < end and _lives(child):
        time.sleep(0.05)
    assert not _lives(child)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def test_the_platforms_secrets_are_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://me:secret@db/live")
    text = "import os\nassert 'DATABASE_URL' not in os.environ, 'told'\n" + GOOD
    assert probe_content(text.encode(), SHIPPED, QUICK).message == ""


# --- The folder -----------------------------------------------------------------------------------------------------


def test_a_files_strategies_are_served_and_trade(library: Library, folder: Path) -> None:
    write(folder, "mine.py", GOOD)
    now = library.now()
    rule = now.rules["mine"]
    assert now.origins["mine"] == Origin("file", "mine.py")
    assert [(spec.name, spec.kind, spec.default) for spec in rule.parameters()] == [
        ("period", int, 20), ("shorts", bool, True),
    ]  # fmt: skip
    candles = eurusd(100)
    word = rule.configure({"period": 5}).latest(candles)
    average = candles.close[-5:].mean()
    assert word.action == ("buy" if candles.close[-1] > average else "sell")


def test_one_broken_file_leaves_the_others_alone(library: Library, folder: Path) -> None:
    write(folder, "a_broken.py", "import nothing_of_the_kind\n")
    write(folder, "mine.py", GOOD)
    assert list(library.now().rules) == ["mine"]
    assert told(library) == [("a_broken.py", 1, "ModuleNotFoundError: No module named 'nothing_of_the_kind'")]


def test_tests_helpers_and_other_things_are_not_loaded(library: Library, folder: Path) -> None:
    for name in ("test_mine.py", "_helper.py", ".hidden.py", "conftest.py", "notes.txt"):
        write(folder, name, "raise SystemExit\n")
    (folder / "package.py").mkdir()
    os.mkfifo(folder / "pipe.py")
    (folder / "gone.py").symlink_to(folder / "nowhere.py")
    assert library.now().loaded == ()


@pytest.mark.parametrize("seen", [False, True])
def test_a_folder_may_be_missing_and_come_later(library: Library, folder: Path, seen: bool) -> None:
    folder.rmdir()
    assert library.now().loaded == ()
    folder.mkdir(mode=0o755)
    write(folder, "mine.py", GOOD)
    assert list(library.now().rules) == ["mine"]


def test_a_change_is_noticed_and_an_unchanged_file_is_not_executed_again(library: Library, folder: Path) -> None:
    write(folder, "mine.py", GOOD)
    write(folder, "second.py", good("second"))
    first = library.now()
    write(folder, "mine.py", good("mine", period=30))
    second = library.now()
    assert second.rules["mine"].parameters()[0].default == 30
    assert second.rules["second"] is first.rules["second"]
    (folder / "second.py").unlink()
    assert list(library.now().rules) == ["mine"]


def test_a_file_that_breaks_takes_its_strategies_away_and_gives_them_back(library: Library, folder: Path) -> None:
    path = write(folder, "mine.py", GOOD)
    assert list(library.now().rules) == ["mine"]
    write(folder, "mine.py", GOOD + "(\n")
    assert list(library.now().rules) == []
    assert library.now().problems[0].path == path
    write(folder, "mine.py", GOOD)
    assert list(library.now().rules) == ["mine"]
    assert library.now().problems == ()


def test_a_name_that_two_files_use_is_nobodys(library: Library, folder: Path) -> None:
    """A copy must not take over what trades, and which of two is meant is not guessed."""
    write(folder, "mine.py", GOOD)
    assert list(library.now().rules) == ["mine"]
    write(folder, "a_copy.py", GOOD)
    write(folder, "other.py", good("other"))
    assert list(library.now().rules) == ["other"]
    line = line_of(GOOD, "name: Cl")
    text = "The name 'mine' is also used by {}; neither is taken until one is renamed."
    assert told(library) == [("a_copy.py", line, text.format("mine.py")), ("mine.py", line, text.format("a_copy.py"))]
    write(folder, "a_copy.py", good("a_copy"))
    assert sorted(library.now().rules) == ["a_copy", "mine", "other"]


def test_what_everybody_may_write_is_not_executed(library: Library, folder: Path) -> None:
    path = write(folder, "mine.py", GOOD)
    path.chmod(0o646)
    assert [(name, "Everybody" in message) for name, _, message in told(library)] == [("mine.py", True)]
    path.chmod(0o644)
    assert list(library.now().rules) == ["mine"]
    folder.chmod(0o777)
    assert [(name, "Everybody" in message) for name, _, message in told(library)] == [("mine.py", True)]


def test_a_huge_file_is_not_read(library: Library, folder: Path) -> None:
    write(folder, "mine.py", GOOD + "#" * folders.LARGEST)
    assert told(library) == [("mine.py", 1, "It is larger than 1 MiB.")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_says_so(library: Library, folder: Path) -> None:
    write(folder, "mine.py", GOOD).chmod(0)
    assert told(library) == [("mine.py", 1, "It cannot be read: Permission denied.")]


def test_an_import_that_passes_the_probe_and_fails_here_is_told(library: Library, folder: Path) -> None:
    """What a file may find out is where it runs; whatever it raises is its own problem."""
    write(folder, "mine.py", f"import os\nif os.getpid() == {os.getpid()}:\n    raise SystemExit('here')\n" + GOOD)
    assert told(library) == [("mine.py", 3, "SystemExit: here")]


# --- What it costs --------------------------------------------------------------------------------------------------


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The files that another process is asked about."""
    asked: list[bytes] = []
    real = folders.probe_content
    monkeypatch.setattr(
        folders, "probe_content", lambda content, *rest: (asked.append(content), real(content, *rest))[1]
    )
    return asked


def test_a_second_process_pays_nothing(folder: Path, tmp_path: Path, probes: list[bytes]) -> None:
    write(folder, "mine.py", GOOD)
    write(folder, "broken.py", "(\n")
    said = []
    for _ in range(3):
        library = Library(folder, cache=tmp_path / "cache", taken=SHIPPED, packages=False, limits=QUICK)
        said.append((list(library.now().rules), told(library)))
    assert said[0] == said[1] == said[2] == (["mine"], [("broken.py", 1, "SyntaxError: '(' was never closed")])
    assert len(probes) == 2
    other = Library(folder, cache=tmp_path / "cache", taken={*SHIPPED, "mine"}, packages=False, limits=QUICK)
    assert other.now().rules == {}  # a verdict holds for the names that were taken then
    assert library.again().rules.keys() == {"mine"}
    assert len(probes) == 6


def test_a_cache_that_cannot_be_used_costs_time_only(folder: Path, tmp_path: Path, probes: list[bytes]) -> None:
    write(folder, "mine.py", GOOD)
    write(tmp_path, "cache", "a file")
    for _ in range(2):
        library = Library(folder, cache=tmp_path / "cache", taken=SHIPPED, packages=False, limits=QUICK)
        assert list(library.now().rules) == ["mine"]
    assert len(probes) == 2


def test_a_damaged_verdict_is_no_verdict(folder: Path, tmp_path: Path) -> None:
    write(folder, "mine.py", GOOD)
    cache = tmp_path / "cache"
    Library(folder, cache=cache, packages=False, limits=QUICK).now()
    (verdict,) = cache.glob("*.json")
    for damage in ("", "{}", '{"found": [["Mine"]], "line": 1, "message": ""}', "\0"):
        verdict.write_text(damage)
        assert list(Library(folder, cache=cache, packages=False, limits=QUICK).now().rules) == ["mine"]


def test_processes_that_start_together_look_at_a_file_once(folder: Path, tmp_path: Path, probes: list[bytes]) -> None:
    write(folder, "mine.py", GOOD)
    libraries = [
        Library(folder, cache=tmp_path / "cache", taken=SHIPPED, packages=False, limits=QUICK) for _ in range(4)
    ]
    threads = [threading.Thread(target=library.now) for library in libraries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [list(library.now().rules) for library in libraries] == [["mine"]] * 4
    assert len(probes) == 1


def test_the_folder_is_looked_at_once_a_second(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, looks = Clock(), []
    clock.step = 0.0
    real = folders.signature_of
    monkeypatch.setattr(
        "algotrendy.trading.strategies.loading.signature_of", lambda path: (looks.append(path), real(path))[1]
    )
    library = Library(folder, packages=False, limits=QUICK, clock=clock)
    for _ in range(1000):
        library.now()
    assert len(looks) == 1
    clock.time += 0.99
    library.now()
    assert len(looks) == 1
    clock.time += 0.01
    library.now()
    assert len(looks) == 2


def test_other_threads_go_on_with_what_there_was_while_one_looks(library: Library, folder: Path) -> None:
    write(folder, "mine.py", GOOD)
    library.now()
    write(folder, "slow.py", "import time\ntime.sleep(60)\n")
    looking = threading.Thread(target=library.now)
    looking.start()
    time.sleep(0.3)
    begin = time.monotonic()
    assert list(library.now().rules) == ["mine"]
    assert time.monotonic() - begin < 0.2
    looking.join()
    assert [name for name, _, _ in told(library)] == ["slow.py"]


def test_many_threads_at_the_first_look_see_the_same(library: Library, folder: Path, probes: list[bytes]) -> None:
    write(folder, "mine.py", GOOD)
    seen: list[list[str]] = []
    threads = [threading.Thread(target=lambda: seen.append(list(library.now().rules))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [["mine"]] * 8
    assert len(probes) == 1


def test_a_change_of_state_is_told_once(folder: Path, tmp_path: Path) -> None:
    changes: list[tuple[list[str], list[str], int]] = []
    library = Library(
        folder,
        packages=False,
        limits=QUICK,
        clock=Clock(),
        on_change=lambda before, now: changes.append((list(before.rules), list(now.rules), len(now.problems))),
    )
    library.now()
    write(folder, "mine.py", GOOD)
    for _ in range(3):
        library.now()
    write(folder, "mine.py", "(")
    for _ in range(3):
        library.now()
    os.utime(folder / "mine.py", (1, 1))  # looked at again, and still the same
    library.now()
    assert changes == [([], [], 0), ([], ["mine"], 0), (["mine"], [], 1)]


FORKING = """
import os, sys
from dataclasses import replace
from pathlib import Path
from algotrendy.trading.strategies import registry
registry.watch(Path(sys.argv[1]), packages=False)
registry.names()
registry._library._lock.acquire()  # as another thread may hold it at this moment
Path(sys.argv[1], "mine.py").write_text(sys.argv[2])
registry._library._looked -= 2
child = os.fork()
if child:
    print("parent", os.waitpid(child, 0)[1], "mine" in registry.names(), flush=True)
else:
    print("child", "mine" in registry.names(), flush=True)
    os._exit(0)
"""


def test_a_process_forked_off_while_another_thread_looks_can_still_look(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKING, str(folder), GOOD], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.splitlines() == ["child True", "parent 0 False"]


# --- The registry ---------------------------------------------------------------------------------------------------


@pytest.fixture
def watched(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("algotrendy.trading.strategies.loading.EVERY", 0.0)
    monkeypatch.setattr(registry, "_library", None)
    registry.watch(folder, cache=tmp_path / "cache", packages=False)
    return folder


def test_the_registry_serves_shipped_and_own_strategies(watched: Path) -> None:
    shipped = registry.names()
    write(watched, "mine.py", GOOD)
    assert registry.names() == (*shipped, "mine")
    assert registry.all_strategies()[-1] is registry.get("mine")
    assert registry.build("mine", {"period": 7}).warm_up == 6
    assert (registry.origin("mine"), registry.origin("rsi")) == (Origin("file", "mine.py"), Origin("shipped"))
    assert registry.problems() == ()
    registry.unwatch()
    assert registry.names() == shipped
    with pytest.raises(UnknownStrategy, match="no strategy 'mine'"):
        registry.origin("mine")


def test_a_strategy_of_a_broken_file_is_refused_with_the_files_name_alone(watched: Path) -> None:
    path = write(watched, "mine.py", "boom\n")
    with pytest.raises(UnknownStrategy) as caught:
        registry.build("mine", {})
    assert caught.value.message.endswith("These files are broken, so that their strategies hold: mine.py.")
    assert str(watched) not in caught.value.message
    assert registry.problems() == (Problem(path, 1, "NameError: name 'boom' is not defined"),)
    assert registry.build("rsi", {}).name == "rsi"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "def validate(self):\n        assert self.period != 50, 'not fifty'",
            "mine refuses .* AssertionError: not fifty",
        ),
        ("def validate(self):\n        'x' + self.period if self.period == 50 else 0", "mine refuses .* TypeError"),
    ],
)
def test_what_a_rule_raises_about_its_parameters_is_a_refusal(watched: Path, body: str, message: str) -> None:
    write(watched, "mine.py", edited("    @property", f"    {body}\n\n    @property"))
    assert registry.build("mine", {}).warm_up == 19
    with pytest.raises(InvalidParameter, match=message):
        registry.build("mine", {"period": 50})


def test_parameters_that_need_endless_candles_are_refused(watched: Path) -> None:
    write(watched, "mine.py", edited("return self.period - 1", "return self.period ** 3"))
    with pytest.raises(InvalidParameter, match=r"mine would need 1000000 candles .* 10,000 or fewer"):
        registry.build("mine", {"period": 100})


# --- Installed packages ---------------------------------------------------------------------------------------------


def install(path: Path, value: str, text: str) -> None:
    """Put a package with one entry point where Python finds it, as an installer would."""
    write(path, "their_rules.py", text)
    described = path / "their_package-1.0.dist-info"
    described.mkdir()
    write(described, "METADATA", "Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    write(described, "entry_points.txt", f"[algotrendy.strategies]\ntheirs = {value}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "site"
    path.mkdir()
    monkeypatch.syspath_prepend(path)
    monkeypatch.setenv("PYTHONPATH", str(path))
    monkeypatch.delitem(sys.modules, "their_rules", raising=False)
    return path


def test_an_entry_point_is_a_strategy(site: Path, tmp_path: Path) -> None:
    install(site, "their_rules:Mine", good("theirs"))
    now = Library(None, cache=tmp_path / "cache", limits=QUICK).now()
    assert now.rules["theirs"].configure({}).warm_up == 19
    assert now.origins["theirs"] == Origin("entry_point", "their-package")


@pytest.mark.parametrize(
    ("value", "text", "message"),
    [
        ("their_rules:Mine", "raise SystemExit(1)\n", "SystemExit: 1"),
        ("their_rules:Mine", "import os\nos._exit(1)\n", "The process ended with status 1"),
        ("their_rules:Nobody", GOOD, "AttributeError"),
        ("their_rules:GOOD", "GOOD = 1\n", "their_rules:GOOD is no class on Strategy"),
        ("their_rules:Mine", edited('"mine"', '"rsi"'), "The name 'rsi' is taken"),
    ],
)
def test_a_broken_entry_point_is_told(site: Path, value: str, text: str, message: str) -> None:
    install(site, value, text)
    (problem,) = Library(None, taken=SHIPPED, limits=QUICK).now().problems
    assert str(problem.path) == value
    assert message in problem.message
