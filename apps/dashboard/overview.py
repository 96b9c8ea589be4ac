"""The figures of the dashboard, all from stored rows; decimals leave as strings, times as ISO 8601."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Max, Q, Window
from django.db.models.functions import RowNumber, TruncHour
from django.urls import reverse
from django.utils import timezone

from algotrendy.trading.orders import WORKING, OrderStatus
from apps.accounts.models import User
from apps.orders.selectors import orders_of
from apps.portfolio.models import EquitySnapshot, Portfolio, Position
from apps.portfolio.selectors import PortfolioSummary, open_positions, portfolio_summary, portfolios_of

SPARK_POINTS = 48
CURVE_POINTS = 600
SPANS = {"1D": timedelta(days=1), "1W": timedelta(days=7), "1M": timedelta(days=30), "All": None}
type Data = dict[str, Any]


def portfolio_chosen(user: User, asked: str | None) -> Portfolio | None:
    """Return the portfolio that was asked for, else the user's own first one, else the first that they may see."""
    portfolios = portfolios_of(user).filter(is_simulation=False)
    try:
        wanted = portfolios.filter(pk=uuid.UUID(asked)).first() if asked else None
    except ValueError:
        wanted = None
    return wanted or portfolios.filter(owner=user).first() or portfolios.first()


def overview(user: User, portfolio: Portfolio, span: str) -> Data:
    """Return everything that the dashboard shows of a portfolio."""
    summary = portfolio_summary(portfolio)
    return {
        "portfolio": {"id": str(portfolio.pk), "name": portfolio.name, "currency": portfolio.base_currency},
        "figures": {**_figures(summary), **_orders_today(user, portfolio), **_deepest(portfolio)},
        "sparks": _sparks(portfolio),
        "curve": _curve(portfolio, span),
        "positions": [_position(position) for position in open_positions(portfolio)],
        "at": timezone.now().isoformat(),
    }


def _figures(summary: PortfolioSummary) -> Data:
    equity_before = summary.equity - summary.day_pnl
    return {
        "equity": _text(summary.equity),
        "cash": _text(summary.cash),
        "day_pnl": _text(summary.day_pnl),
        "day_pnl_percent": _share(summary.day_pnl, equity_before),
        "unrealized_pnl": _text(summary.unrealized_pnl),
        "realized_pnl": _text(summary.realized_pnl),
        "fees_paid": _text(summary.fees_paid),
        "total_return_percent": _text(summary.total_return_percent),
        "exposure_percent": _share(summary.exposure, summary.equity),
        "drawdown_percent": _text(summary.drawdown_percent),
        "open_positions": summary.open_positions,
    }


def _orders_today(user: User, portfolio: Portfolio) -> Data:
    """Count the orders made since midnight UTC; the fill rate is of those that are finished."""
    today = orders_of(user).filter(portfolio=portfolio, created_at__gte=_midnight()).order_by()
    counts = today.aggregate(
        orders=Count("pk"),
        filled=Count("pk", filter=Q(status=OrderStatus.FILLED)),
        working=Count("pk", filter=Q(status__in=WORKING)),
    )
    finished = counts["orders"] - counts["working"]
    by_hour = today.annotate(hour=TruncHour("created_at")).values("hour").annotate(count=Count("pk")).order_by("hour")
    counted = {row["hour"]: row["count"] for row in by_hour}
    hours = [_midnight() + timedelta(hours=number) for number in range(timezone.now().astimezone(UTC).hour + 1)]
    return {
        "orders_today": counts["orders"],
        "orders_filled": counts["filled"],
        "orders_working": counts["working"],
        "fill_rate_percent": _share(Decimal(counts["filled"]), Decimal(finished)) if finished else None,
        "orders_by_hour": [counted.get(hour, 0) for hour in hours],
    }


def _deepest(portfolio: Portfolio) -> Data:
    deepest = EquitySnapshot.objects.filter(portfolio=portfolio).aggregate(value=Max("drawdown_percent"))["value"]
    return {"max_drawdown_percent": None if deepest is None else _text(deepest)}


def _sparks(portfolio: Portfolio) -> Data:
    """Return the last month of market time of each figure that snapshots hold, thinned out; of the day its own."""
    rows = _snapshots(portfolio, SPANS["1M"], SPARK_POINTS)
    day = _snapshots(portfolio, SPANS["1D"], SPARK_POINTS)
    first = day[0][1] if day else Decimal(0)
    return {
        "equity": [float(equity) for _, equity, _, _ in rows],
        "day_pnl": [float(equity - first) for _, equity, _, _ in day],
        "unrealized_pnl": [float(unrealized) for _, _, unrealized, _ in rows],
        "drawdown_percent": [-float(drawdown) for _, _, _, drawdown in rows],
    }


def _curve(portfolio: Portfolio, span: str) -> list[list[float]]:
    """Return equity and drawdown by market time, as [unix seconds, equity, minus drawdown %]."""
    rows = _snapshots(portfolio, SPANS.get(span), CURVE_POINTS)
    return [[int(at.timestamp()), float(equity), -float(drawdown)] for at, equity, _, drawdown in rows]


def _snapshots(
    portfolio: Portfolio, span: timedelta | None, points: int
) -> list[tuple[datetime, Decimal, Decimal, Decimal]]:
    """Return the snapshots of a span up to the newest, oldest first; every n-th and always the newest."""
    rows = EquitySnapshot.objects.filter(portfolio=portfolio)
    newest = rows.order_by("-at").values_list("at", flat=True).first()
    if newest is None:
        return []
    if span is not None:
        rows = rows.filter(at__gte=newest - span)
    step = max(1, -(-rows.count() // points))
    # Numbered from the newest, so that it is always among those kept.
    numbered = rows.annotate(slot=(Window(RowNumber(), order_by=F("at").desc()) - 1) % step).filter(slot=0)
    return list(numbered.order_by("at").values_list("at", "equity", "unrealized_pnl", "drawdown_percent"))


def _position(position: Position) -> Data:
    instrument = position.instrument
    return {
        "id": str(position.pk),
        "url": reverse("admin:portfolio_position_change", args=[position.pk]),
        "symbol": instrument.symbol,
        "book": position.book,
        "side": position.side,
        "quantity": _text(abs(position.quantity)),
        "quantity_decimals": instrument.quantity_decimals,
        "entry_price": _text(position.entry_price),
        "mark_price": None if position.mark_price is None else _text(position.mark_price),
        "price_decimals": instrument.price_decimals,
        "unrealized_pnl": _text(position.unrealized_pnl),
        "unrealized_percent": _share(position.unrealized_pnl, abs(position.cost_basis)),
        "opened_at": position.opened_at.isoformat(),
    }


def _midnight() -> datetime:
    return timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _share(part: Decimal, whole: Decimal) -> str | None:
    return f"{(part / whole * 100).quantize(Decimal('0.01')):f}" if whole > 0 else None


def _text(value: Decimal) -> str:
    return f"{value:f}"
