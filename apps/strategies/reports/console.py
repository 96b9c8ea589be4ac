"""A completed backtest as its page in the console shows it: cards, curves, months, trades, and the chart's candles."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import candles_between
from apps.strategies.arrays import Column
from apps.strategies.models import Backtest
from apps.strategies.selectors.results import curve_of, moment, trade_count, trade_rows, trades_of

from .figures import MONTHS, span

type Data = dict[str, Any]
POINTS = 1500
LISTED = 200
SHOWN = 600
"""Candles on the chart of trades; it is read again around a trade that is chosen."""
FULL_TONE = 0.06
"""A month that gained or lost so much has the full color."""


SHOWN_AS = {
    "Backtest": "Setup",
    "Performance": "Performance",
    "Trades": "Trade figures",
    "Exits": "Exits",
    "Deepest drawdowns": "Deepest drawdowns",
}
"""The report's sections that the page repeats; the others have panels of their own."""


def page_of(backtest: Backtest) -> Data:
    """Return what the page of a completed backtest shows."""
    figures = backtest.result.figures
    count = trade_count(backtest)
    decimals = {instrument.symbol: instrument.price_decimals for instrument in backtest.instruments.all()}
    return {
        "cards": _cards(backtest, figures),
        "sections": [
            {**section, "title": SHOWN_AS[section["title"]]}
            for section in figures["sections"]
            if section["rows"] and section["title"] in SHOWN_AS
        ],
        "checks": [
            {**check, "title": check["name"].replace("_", " ").capitalize()} for check in figures["honesty"]["checks"]
        ],
        "months": _months(figures["months"]),
        "month_names": MONTHS,
        "trades": [_row(row, decimals[row["symbol"]]) for row in trade_rows(backtest, max(count - LISTED, 0))[::-1]],
        "trade_count": count,
        "data": {"curve": _curve(backtest), "trades": count, "symbols": [book["symbol"] for book in figures["books"]]},
    }


def chart_of(backtest: Backtest, instrument: Instrument, trade: int | None) -> Data:
    """Return candles of the backtest with the trades on them: the newest, or those around one trade."""
    columns = trades_of(backtest)
    symbols = [book["symbol"] for book in backtest.result.figures["books"]]
    mine = np.flatnonzero(columns["book"] == symbols.index(instrument.symbol))
    frame = Timeframe(backtest.timeframe)
    start, end = _span(backtest, columns, trade, frame.duration)
    candles = candles_between(
        instrument=instrument, timeframe=frame.value, source=backtest.source, start=start, end=end, before=0
    ).tail(SHOWN)
    first = int(candles.time[0]) if len(candles) else 0
    last = int(candles.time[-1]) if len(candles) else 0
    prices = np.stack((candles.open, candles.high, candles.low, candles.close, candles.volume), axis=1).tolist()
    marks = [mark for row in mine for mark in _marks(columns, int(row), frame) if first <= mark["time"] <= last]
    return {
        "symbol": instrument.symbol,
        "timeframe": frame.value,
        "price_decimals": instrument.price_decimals,
        "candles": [[time, *row] for time, row in zip(candles.time.tolist(), prices, strict=True)],
        "overlays": {},
        "markers": sorted(marks, key=lambda mark: mark["time"]),
    }


def _span(
    backtest: Backtest, columns: dict[str, Column], trade: int | None, step: timedelta
) -> tuple[datetime | None, datetime | None]:
    """Return from when to when candles are shown: around the trade, or up to the end."""
    if trade is None or not 0 <= trade < len(columns["pnl"]):
        last = max(book["last"] for book in backtest.result.figures["books"])
        return moment(last) - SHOWN * 3 * step, moment(last) + step
    entered, left = moment(columns["entry_time"][trade]), moment(columns["exit_time"][trade])
    return entered - SHOWN // 4 * step, left + SHOWN // 4 * step


def _marks(columns: dict[str, Column], row: int, frame: Timeframe) -> list[Data]:
    side = 1 if columns["side"][row] > 0 else -1
    marks = []
    for name, sign in (("entry", side), ("exit", -side)):
        time = int(columns[f"{name}_time"][row])
        marks.append(
            {
                "time": int(frame.floor(moment(time)).timestamp()),
                "side": "buy" if sign > 0 else "sell",
                "order": str(row),
                "price": float(columns[f"{name}_price"][row]),
            }
        )
    return marks


def _row(trade: Data, decimals: int) -> Data:
    return {
        **trade,
        "entry_shown": f"{trade['entry_price']:,.{decimals}f}",
        "exit_shown": f"{trade['exit_price']:,.{decimals}f}",
        "exit_reason_shown": trade["exit_reason"].replace("_", " ").capitalize(),
        "held": span(trade["duration_seconds"]),
        "share_shown": percent_shown(trade["share"]),
        "tone": tone_of(trade["pnl"]) or "flat",
    }


def _cards(backtest: Backtest, figures: Data) -> list[Data]:
    performance, comparison, trades = figures["performance"], figures["comparison"], figures["trades"]
    gained, lost = backtest.total_return, backtest.max_drawdown
    held = percent_shown(comparison["buy_and_hold_return"])
    calmar = f"Calmar {number_shown(performance['calmar'])}"
    return [
        card("Return", percent_shown(gained), f"Buy and hold {held}", tone_of(gained)),
        card("Sharpe", number_shown(backtest.sharpe), f"Sortino {number_shown(performance['sortino'])}"),
        card("Max drawdown", percent_shown(_minus(lost)), calmar, "down" if lost else ""),
        card("Trades", f"{backtest.trade_count:,}", f"{percent_shown(backtest.win_rate, sign=False)} won"),
        card("Profit factor", number_shown(backtest.profit_factor), f"SQN {number_shown(trades['sqn'])}"),
    ]


def card(name: str, value: str, note: str, tone: str = "") -> Data:
    """Return one of the figures above a page."""
    return {"name": name, "value": value, "note": note, "tone": tone}


def percent_shown(share: float | None, *, sign: bool = True) -> str:
    """Return a share in percent; a dash for none."""
    if share is None:
        return "\N{EN DASH}"
    text = f"{share * 100:{'+' if sign else ''},.2f}%"
    return text.replace("-", "\N{MINUS SIGN}") if text not in ("+0.00%", "-0.00%") else "0.00%"


def number_shown(value: float | None) -> str:
    """Return a figure with two decimals; a dash for none."""
    return "\N{EN DASH}" if value is None else f"{value:,.2f}".replace("-", "\N{MINUS SIGN}")


def _minus(value: float | None) -> float | None:
    return None if value is None else -value


def tone_of(value: float | None) -> str:
    """Return the tone of a gain or a loss; none for neither."""
    return "" if not value else "up" if value > 0 else "down"


def _curve(backtest: Backtest) -> Data:
    columns = curve_of(backtest, POINTS)
    rows = zip(columns["time"].tolist(), columns["equity"].tolist(), (columns["drawdown"] * -100).tolist(), strict=True)
    held = zip(columns["time"].tolist(), columns["held"].tolist(), strict=True)
    return {"equity": [list(row) for row in rows], "held": [list(row) for row in held]}


def _months(months: list[Data]) -> list[Data]:
    """Return a row for each year: a cell for each month and the whole year's, with how strong its color is."""
    years: dict[int, dict[int, float]] = defaultdict(dict)
    for month in months:
        years[month["year"]][month["month"]] = month["share"]
    return [
        {"year": year, "cells": [_cell(shares.get(number)) for number in range(1, 13)] + [_cell(_grown(shares))]}
        for year, shares in sorted(years.items())
    ]


def _grown(shares: dict[int, float]) -> float | None:
    known = [share for share in shares.values() if share is not None]
    return float(np.prod([1 + share for share in known])) - 1 if known else None


def _cell(share: float | None) -> Data:
    if share is None:
        return {"text": "", "tone": "none", "strength": 0}
    strength = min(4, 1 + int(abs(share) / FULL_TONE * 4)) if round(share, 4) else 0
    text = f"{share * 100:+.1f}".replace("-", "\N{MINUS SIGN}")
    return {"text": text, "tone": tone_of(share) or "flat", "strength": strength}
