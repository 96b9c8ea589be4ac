"""What `manage.py strategy_new` writes."""

from __future__ import annotations

import importlib.util
import keyword
from pathlib import Path
from string import Template

from django.conf import settings

from algotrendy.trading.errors import TradingError
from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.folders import is_strategy_file
from algotrendy.trading.strategies.judging import LONGEST_NAME, SLUG

HERE = Path(__file__).parent


class NoSkeleton(TradingError):
    """The files cannot be written as asked."""

    code = "no_skeleton"


def skeleton_write(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a strategy of that name and its test, and return their paths; raise NoSkeleton, and write over nothing."""
    _require_name(name)
    strategy, test = folder / f"{name}.py", folder / f"test_{name}.py"
    for path in (strategy, test):
        if path.exists():
            raise NoSkeleton(f"{path} exists already; choose another name, or move it away.")
    words = {"name": name, "title": name.replace("_", " ").capitalize(), "class_name": class_name(name)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(strategy, "strategy", words)
        _write(test, "test", words)
        if not (folder / "pytest.ini").exists():
            _write(folder / "pytest.ini", "pytest", {"root": str(settings.BASE_DIR)})
    except OSError as error:
        raise NoSkeleton(f"{error.filename} cannot be written: {error.strerror}.") from error
    return strategy, test


def class_name(name: str) -> str:
    """Return the class of a strategy of that name; it ends with Strategy, so that no import has the same."""
    camel = "".join(word.capitalize() for word in name.split("_"))
    return camel if camel.endswith("Strategy") and camel != "Strategy" else f"{camel}Strategy"


def _require_name(name: str) -> None:
    """Raise NoSkeleton for a name that would not load, or whose file would hide something else."""
    if not SLUG.fullmatch(name) or len(name) > LONGEST_NAME:
        advice = "lower-case letters, digits and single underscores, such as slow_mean"
        raise NoSkeleton(f"{name!r:.80} is no name of a strategy: use {advice}.")
    if not is_strategy_file(f"{name}.py"):
        raise NoSkeleton(f"A file {name}.py would be taken for a test, and not be loaded.")
    if name in registry.names():
        raise NoSkeleton(f"There is a strategy {name!r} already.")
    if keyword.iskeyword(name) or importlib.util.find_spec(name) is not None:
        raise NoSkeleton(
            f"{name!r} means something to Python: a file {name}.py would be mistaken for it, or it for that."
        )


def _write(path: Path, skeleton: str, words: dict[str, str]) -> None:
    text = Template((HERE / f"{skeleton}.txt").read_text(encoding="utf-8")).substitute(words)
    with path.open("x", encoding="utf-8") as stream:
        stream.write(text)
