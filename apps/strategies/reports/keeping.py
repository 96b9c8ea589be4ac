"""A report as it is kept: the figures as JSON, the columns as compressed arrays, the page as compressed text."""

from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from algotrendy.trading.backtest.curves import buy_and_hold
from algotrendy.trading.backtest.excursions import excursions
from apps.strategies.arrays import packed

from .figures import sections
from .page import render_page

if TYPE_CHECKING:
    from apps.strategies.backtests import Report

UNDERWATER_KEPT = 100
TRADE_COLUMNS = (
    "book", "side", "quantity", "entry_time", "exit_time", "entry_price", "exit_price", "entry_fee", "exit_fee",
    "reason", "value", "pnl", "share", "entry_bar", "exit_bar",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """What is written to a backtest's row (`summary`) and to its result."""

    summary: dict[str, Any]
    figures: dict[str, Any]
    curve: bytes
    trades: bytes
    report: bytes


def kept(report: Report) -> Kept:
    """Return what is kept of a report."""
    return Kept(
        summary=clean(_summary(report)),
        figures=clean(_figures(report)),
        curve=_curve(report),
        trades=_trades(report),
        report=zlib.compress(render_page(report).encode()),
    )


def clean(value: Any) -> Any:
    """Return the value as JSON can say it: what is not a number, or has no end, is null."""
    if isinstance(value, Mapping):
        return {str(key): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    if isinstance(value, np.generic):
        return clean(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def _summary(report: Report) -> dict[str, Any]:
    performance, trades = report.metrics.performance, report.metrics.trades
    return {
        "verdict": report.honesty.worst.value,
        "final_equity": performance.final_equity,
        "total_return": performance.total_return,
        "annual_return": performance.annual_return,
        "sharpe": performance.sharpe,
        "max_drawdown": performance.max_drawdown,
        "profit_factor": trades.profit_factor,
        "win_rate": trades.win_rate,
        "trade_count": trades.count,
    }


def _figures(report: Report) -> dict[str, Any]:
    result, metrics = report.result, report.metrics
    return {
        "performance": dataclasses.asdict(metrics.performance),
        "comparison": dataclasses.asdict(metrics.comparison),
        "trades": dataclasses.asdict(metrics.trades),
        "exits": [dataclasses.asdict(row) for row in metrics.reasons],
        "months": [dataclasses.asdict(row) for row in metrics.months],
        "underwater": [dataclasses.asdict(row) for row in metrics.underwater[:UNDERWATER_KEPT]],
        "honesty": {
            "verdict": report.honesty.worst.value,
            "checks": [dataclasses.asdict(check) for check in report.honesty.checks],
            "band": dataclasses.asdict(report.honesty.band) if report.honesty.band else None,
        },
        "books": [
            {
                "name": book.name,
                "symbol": book.candles.symbol,
                "timeframe": book.candles.timeframe.value,
                "candles": len(book.candles) - book.first,
                "first": int(book.candles.time[book.first]),
                "last": int(book.candles.time[-1]),
            }
            for book in result.books
        ],
        "denied": dict(result.denied),
        "skipped": result.skipped,
        "canceled": result.canceled,
        "sections": [{"title": section.title, "rows": section.rows} for section in sections(report)],
    }


def _curve(report: Report) -> bytes:
    result = report.result
    held = buy_and_hold(result).astype(np.float32)  # drawn, not counted with
    return packed({"time": result.time, "equity": result.equity, "cash": result.cash(), "held": held})


def _trades(report: Report) -> bytes:
    trades = report.result.trades
    worst, best = excursions(report.result)
    return packed({name: getattr(trades, name) for name in TRADE_COLUMNS} | {"mae": worst, "mfe": best})
