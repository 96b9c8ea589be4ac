"""Turning a strategy file's content into a module; it is executed, so only what was probed comes here in a platform."""

from __future__ import annotations

import ast
import contextlib
import sys
from types import ModuleType

from algotrendy.trading.strategies.places import Flaw, Source, worded

PACKAGE = "algotrendy_strategies"
"""Modules of strategy files are known under this name and never imported from it."""


def parse(content: bytes, filename: str) -> Source:
    """Return the file as its parts; raise Flaw where it is no Python."""
    try:
        return Source(filename, ast.parse(content, filename))
    except SyntaxError as error:
        raise Flaw(f"{type(error).__name__}: {error.msg}", error.lineno or 1) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise Flaw(worded(error), 1) from None


def execute(content: bytes, source: Source, name: str) -> ModuleType:
    """Return the file's module; raise Flaw on the line that raised.

    What it prints goes to the error stream: some commands' output is read by programs.
    """
    module = ModuleType(f"{PACKAGE}.{name}")
    module.__file__ = source.filename
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        code = compile(content, source.filename, "exec", dont_inherit=True)
        with contextlib.redirect_stdout(sys.stderr):
            exec(code, module.__dict__)  # noqa: S102 - a strategy file is code
    except BaseException as error:  # a file may raise anything, SystemExit too
        del sys.modules[module.__name__]
        raise Flaw(worded(error), source.line_in(error) or 1) from None
    return module
