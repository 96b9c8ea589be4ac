"""What a strategy's page shows around its form: how it does, and what it was before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

from apps.common.console import money, signed
from apps.common.console.figures import EMPTY
from apps.strategies.admin.words import changes_shown, drift_shown
from apps.strategies.models import Strategy, StrategyPerformance
from apps.strategies.performance import LiveFigures, live_figures
from apps.strategies.selectors import changes_between, newest_performance

VERSIONS_SHOWN = 20


def performance_panel(strategy: Strategy) -> dict[str, Any] | None:
    """Return the live figures, and the comparison with the backtest; None for what has neither."""
    figures, row = live_figures(strategy), newest_performance(strategy)
    if not figures.closed_trades and not figures.open_trades and row is None:
        return None
    return {"figures": _figures(figures), "comparison": None if row is None else _comparison(row)}


def _figures(figures: LiveFigures) -> list[tuple[str, object]]:
    trades = f"{figures.closed_trades:,}" + (f", {figures.open_trades} open" if figures.open_trades else "")
    return [
        ("Closed trades", trades),
        ("Won", _percent(figures.win_rate)),
        ("Realized PnL", signed(figures.realized_pnl)),
        ("Unrealized PnL", signed(figures.unrealized_pnl)),
        ("Fees", money(figures.fees)),
        ("Net of fees", signed(figures.net_pnl)),
        ("Profit factor", EMPTY if figures.profit_factor is None else f"{figures.profit_factor:.2f}"),
        ("Average duration", _span(figures.average_seconds)),
        ("First, last trade", f"{_day(figures.first_trade_at)}, {_day(figures.last_trade_at)}"),
    ]


def _comparison(row: StrategyPerformance) -> dict[str, Any]:
    details = row.details
    kinds = [
        (title, details[kind])
        for kind, title in (
            ("missing", "Only in the backtest"),
            ("extra", "Only live"),
            ("differing", "With another profit"),
        )
    ]
    return {
        "row": row,
        "table": [
            ("Trades", f"{row.live_trades:,}", f"{row.backtest_trades:,}"),
            ("PnL, net of fees", signed(row.live_pnl), signed(row.backtest_pnl)),
        ],
        "matched": f"{row.matched_trades:,} trades are the same ({_percent(row.matched_share)})",
        "drift": drift_shown(row.drift_percent),
        "account": money(row.account),
        "kinds": [(title, trades) for title, trades in kinds if trades],
    }


def history_panel(strategy: Strategy, *, may_restore: bool) -> list[dict[str, Any]]:
    """Return the newest versions, each with what changed since the one before and where it is restored."""
    versions = list(strategy.versions.select_related("changed_by").order_by("-number")[: VERSIONS_SHOWN + 1])
    before = [*versions[1:], None]
    return [
        {
            "version": version,
            "who": version.changed_by or "The platform",
            "is_first": version.number == 1,
            "changes": [] if older is None else changes_shown(changes_between(older.settings, version.settings)),
            "restore_url": reverse("admin:strategies_strategyversion_restore_version", args=[version.pk])
            if may_restore and version.number != strategy.version
            else "",
        }
        for version, older in list(zip(versions, before, strict=True))[:VERSIONS_SHOWN]
    ]


def _percent(share: float | None) -> str:
    return EMPTY if share is None else f"{share * 100:.0f} %"


def _span(seconds: float | None) -> str:
    if seconds is None:
        return EMPTY
    now = timezone.now()
    return timesince(now - timedelta(seconds=seconds), now)


def _day(moment: datetime | None) -> str:
    return EMPTY if moment is None else f"{moment:%Y-%m-%d %H:%M}"
