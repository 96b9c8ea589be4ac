"""Line charts as SVG, drawn here: the page that shows them needs no script and no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import pairwise

import numpy as np

from algotrendy.trading.candles import Floats, Times

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1000, 72, 12, 10, 24
COLUMNS = 800
"""Points beyond this many are drawn as the lowest and the highest of each column: no spike is lost."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line to draw; `css` is the class that colors it, `fill` whether the area to zero is filled."""

    name: str
    time: Times
    values: Floats
    css: str
    fill: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark on a chart: upwards or downwards, with what it tells when it is pointed at."""

    time: int
    value: float
    css: str
    up: bool
    text: str


@dataclass(frozen=True, slots=True)
class _Frame:
    begin: float
    end: float
    low: float
    high: float
    height: int

    def x(self, time: Floats | float) -> Floats:
        share = (np.asarray(time, dtype=float) - self.begin) / max(self.end - self.begin, 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: Floats | float) -> Floats:
        share = (np.asarray(value, dtype=float) - self.low) / ((self.high - self.low) or 1)
        return self.height - BOTTOM - share * (self.height - TOP - BOTTOM)


def chart(title: str, lines: Sequence[Line], *, marks: Sequence[Mark] = (), height: int = 260, unit: str = "") -> str:
    """Return an SVG element with axes, the lines and the marks."""
    begin, end = min(line.time[0] for line in lines), max(line.time[-1] for line in lines)
    values = [value for line in lines for value in (line.values.min(), line.values.max())]
    values += [np.float64(0)] if any(line.fill for line in lines) else []
    frame = _Frame(float(begin), float(end), min(values), max(values), height)
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">']
    parts += _value_axis(frame, unit)
    parts += _time_axis(frame)
    parts += [_path(line, frame) for line in lines]
    parts += [_triangle(mark, frame) for mark in marks]
    return "".join([*parts, "</svg>"])


def thin(time: Times, values: Floats) -> tuple[Floats, Floats]:
    """Return at most 2 x COLUMNS points of a long line: the lowest and the highest of each column, in their order."""
    if len(values) <= 2 * COLUMNS:
        return time.astype(float), values
    edges = np.linspace(0, len(values), COLUMNS + 1).astype(int)
    chosen: set[int] = {0, len(values) - 1}
    for begin, end in pairwise(edges.tolist()):
        part = values[begin:end]
        chosen |= {int(begin + part.argmin()), int(begin + part.argmax())}
    kept = np.array(sorted(chosen))
    return time[kept].astype(float), values[kept]


def _path(line: Line, frame: _Frame) -> str:
    time, values = thin(line.time, line.values)
    xs, ys = frame.x(time), frame.y(values)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
    if not line.fill:
        return f'<polyline class="line {line.css}" points="{points}"><title>{escape(line.name)}</title></polyline>'
    zero = float(frame.y(0.0))
    area = f"{xs[0]:.1f},{zero:.1f} {points} {xs[-1]:.1f},{zero:.1f}"
    return f'<polygon class="area {line.css}" points="{area}"><title>{escape(line.name)}</title></polygon>'


def _triangle(mark: Mark, frame: _Frame) -> str:
    x, y, size = float(frame.x(mark.time)), float(frame.y(mark.value)), 5
    base = y + size * 2 if mark.up else y - size * 2
    points = f"{x:.1f},{y:.1f} {x - size:.1f},{base:.1f} {x + size:.1f},{base:.1f}"
    return f'<polygon class="mark {mark.css}" points="{points}"><title>{escape(mark.text)}</title></polygon>'


def _value_axis(frame: _Frame, unit: str) -> list[str]:
    parts = []
    for value in np.linspace(frame.low, frame.high, 5).tolist():
        y = float(frame.y(value))
        digits = 0 if frame.high - frame.low > 50 else 2 if frame.high - frame.low > 0.5 else 4
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,.{digits}f}{unit}</text>'
        )
    return parts


def _time_axis(frame: _Frame) -> list[str]:
    form = "%Y-%m-%d" if frame.end - frame.begin > 4 * 86_400 else "%m-%d %H:%M"
    parts = []
    for time in np.linspace(frame.begin, frame.end, 6).tolist():
        anchor = "start" if time == frame.begin else "end" if time == frame.end else "middle"
        text = datetime.fromtimestamp(time, tz=UTC).strftime(form)
        x = float(frame.x(time))
        parts.append(f'<text class="tick" x="{x:.1f}" y="{frame.height - 6}" text-anchor="{anchor}">{text}</text>')
    return parts
