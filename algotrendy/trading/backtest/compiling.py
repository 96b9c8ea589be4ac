"""How the inner loops are compiled: once, on first use, kept on disk for every later process."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import numba

HERE = Path(__file__).parent
njit: Any = numba.njit
settings: Any = numba.config


def inlined[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function into its callers: handing over the arrays would cost more than what is done with them."""
    return _compile(function, forceinline=True)


def compiled[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers and arrays that allocates nothing; strict IEEE arithmetic, the same everywhere.

    Without allocation there are no references to count, which would cost more than the arithmetic. The machine code is
    kept in a folder named after the sources of all compiled functions: numba itself would renew it only when the
    function's own file changes, and go on running what the functions it calls were before.
    """
    return _compile(function)


def _compile[**P, R](function: Callable[P, R], **options: Any) -> Callable[P, R]:
    decorate = njit(cache=True, error_model="numpy", nogil=True, fastmath=False, _nrt=False, **options)
    before, settings.CACHE_DIR = settings.CACHE_DIR, str(folder())
    try:
        return cast(Callable[P, R], decorate(function))
    finally:
        settings.CACHE_DIR = before


@cache
def folder() -> Path:
    """Return where the code is kept: in NUMBA_CACHE_DIR where that is set, else beside Python's own bytecode."""
    sources = [path.read_bytes() for path in sorted(HERE.glob("*.py"))]
    kept = [
        source for source in sources if b"import inlined" in source or b"@compiled" in source or b"layout" in source
    ]
    name = f"backtest-{hashlib.sha256(b''.join(kept)).hexdigest()[:16]}"
    if settings.CACHE_DIR:
        return Path(settings.CACHE_DIR) / name
    beside = HERE / "__pycache__"
    if os.access(beside if beside.is_dir() else HERE, os.W_OK):
        return beside / name
    return Path.home() / ".cache" / "algotrendy" / name
