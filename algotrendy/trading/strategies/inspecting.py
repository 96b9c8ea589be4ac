"""Looks at one strategy file or entry point in a process of its own: `python -m ... HANDLE` with a request as input.

The process may be ended by what it looks at. It writes into the open file HANDLE as it goes on, its verdict last.
"""

from __future__ import annotations

import base64
import json
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from algotrendy.trading.strategies.base import Strategy
from algotrendy.trading.strategies.importing import execute, parse
from algotrendy.trading.strategies.judging import judge, strategies_in
from algotrendy.trading.strategies.limits import Limits, Watch
from algotrendy.trading.strategies.places import Flaw, Source, worded
from algotrendy.trading.strategies.verdicts import Found, Verdict

FILENAME = "<strategy file>"
"""How tracebacks call the file here, so that its lines are found again whatever its path."""


def main() -> None:
    request = json.load(sys.stdin)
    limits = Limits(**request["limits"])
    watch = Watch(int(sys.argv[1]), limits)
    try:
        verdict = _inspect(request, watch, limits)
    except Flaw as flaw:
        verdict = Verdict(line=flaw.line, message=flaw.message)
    watch.end(verdict.as_json())


def _inspect(request: dict[str, Any], watch: Watch, limits: Limits) -> Verdict:
    watch.begin("imported", limits.import_seconds)
    if "entry_point" in request:
        classes, source = _from_entry_point(request["entry_point"])
    else:
        classes, source = _from_content(base64.b64decode(request["content"]))
    found = []
    for cls in classes:
        watch.begin("tried", limits.trial_seconds)
        judge(cls, source, request["taken"])
        found.append(Found(cls.__name__, cls.name, source.line_of(cls, "name")))
    return Verdict(tuple(found))


def _from_content(content: bytes) -> tuple[list[type[Strategy]], Source]:
    source = parse(content, FILENAME)
    return strategies_in(execute(content, source, "inspected"), source), source


def _from_entry_point(value: str) -> tuple[list[type[Strategy]], Source]:
    try:
        cls = EntryPoint("", value, "").load()
    except BaseException as error:  # a package may raise anything, SystemExit too
        raise Flaw(worded(error), 1) from None
    if not isinstance(cls, type) or not issubclass(cls, Strategy):
        raise Flaw(f"{value} is no class on Strategy.", 1)
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return [cls], parse(Path(file).read_bytes() if file else b"", str(file))


if __name__ == "__main__":
    main()
