"""On which line of a file something stands, or went wrong."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from traceback import walk_tb

from algotrendy.trading.errors import TradingError


class Flaw(Exception):
    """What is wrong with a file, for the person who wrote it, and on which line."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message, self.line = message, line


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was parsed; `filename` is how tracebacks call it."""

    filename: str
    tree: ast.Module

    def line_of(self, cls: type, attribute: str | None = None) -> int:
        """Return the line of a class, or of what it or a base in the same file defines; 1 for what is elsewhere."""
        for each in cls.__mro__:
            node = self._class(each.__qualname__)
            if node is None:
                continue
            if attribute is None:
                return node.lineno
            if line := _line_in(node, attribute):
                return line
        return self.line_of(cls) if attribute else 1

    def line_in(self, error: BaseException) -> int | None:
        """Return the innermost line of the file that the error went through."""
        if isinstance(error, SyntaxError) and error.filename == self.filename:
            return error.lineno
        lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == self.filename]
        return lines[-1] if lines else None

    @contextlib.contextmanager
    def blaming(self, cls: type, attribute: str, where: str = "") -> Iterator[None]:
        """Turn whatever is raised into a Flaw on the line that raised it, or else on the attribute's."""
        try:
            yield
        except Flaw:
            raise
        except BaseException as error:  # a file may raise anything, SystemExit too
            line = self.line_in(error) or self.line_of(cls, attribute)
            raise Flaw(f"{where}{worded(error)}", line) from None

    def _class(self, name: str) -> ast.ClassDef | None:
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef) and node.name == name)
        return next(nodes, None)


def worded(error: BaseException) -> str:
    """Return an error in words: a refusal of the platform's as it is, anything else with its type."""
    if isinstance(error, TradingError):
        return error.message
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _line_in(node: ast.ClassDef, attribute: str) -> int | None:
    for each in node.body:
        names: list[ast.expr] = []
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == attribute:
            return each.lineno
        if isinstance(each, ast.AnnAssign):
            names = [each.target]
        elif isinstance(each, ast.Assign):
            names = each.targets
        if any(isinstance(name, ast.Name) and name.id == attribute for name in names):
            return each.lineno
    return None
