"""Columns of numbers as compressed bytes, and back: exact, and some tenth of their size."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

type Column = npt.NDArray[Any]


def packed(columns: Mapping[str, Column]) -> bytes:
    """Return the columns as bytes; whole numbers are kept as their differences, which repeat and so shrink."""
    with BytesIO() as room:
        np.savez_compressed(room, allow_pickle=False, **{name: _steps(column) for name, column in columns.items()})
        return room.getvalue()


def unpacked(data: bytes) -> dict[str, Column]:
    """Return the columns that `packed` was given."""
    with np.load(BytesIO(data), allow_pickle=False) as kept:
        return {name: _sums(kept[name]) for name in kept.files}


def _steps(column: Column) -> Column:
    return np.diff(column, prepend=0) if column.dtype == np.int64 else column


def _sums(column: Column) -> Column:
    return np.cumsum(column, dtype=np.int64) if column.dtype == np.int64 else column
