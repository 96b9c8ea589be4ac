"""The daily summary: what each portfolio's day came to, as a snapshot at its end and a line for the logs."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import structlog
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from algotrendy.trading.values import ZERO
from apps.common.fields import AmountField
from apps.orders.models import Fill
from apps.portfolio.models import EquitySnapshot, Portfolio
from apps.portfolio.services import portfolios_snapshot

log = structlog.get_logger(__name__)
DAY = timedelta(days=1)


def portfolios_summarize(*, now: datetime | None = None) -> int:
    """Sum up the UTC day that has ended last, for each real portfolio; return how many there are."""
    end = datetime.combine((now or timezone.now()).astimezone(UTC).date(), time(), tzinfo=UTC)
    portfolios_snapshot(at=end, age=timedelta(microseconds=1))
    portfolios = list(Portfolio.objects.filter(is_simulation=False).order_by("pk"))
    for portfolio in portfolios:
        log.info("portfolio_day", portfolio=str(portfolio.pk), **day_figures(portfolio, end))
    return len(portfolios)


def day_figures(portfolio: Portfolio, end: datetime) -> dict[str, str | int]:
    """Return a day's figures as plain words: equity at its begin and end, profit, fees and fills."""
    begin = end - DAY
    first, last = _equity(portfolio, begin), _equity(portfolio, end)
    fills = Fill.objects.filter(order__portfolio=portfolio, executed_at__gte=begin, executed_at__lt=end)
    zero = Decimal(0)
    sums = fills.aggregate(
        fills=Count("pk"),
        realized=Coalesce(Sum("realized_pnl"), zero, output_field=AmountField()),
        fees=Coalesce(Sum("fee"), zero, output_field=AmountField()),
        traded=Coalesce(Sum("quote_quantity"), zero, output_field=AmountField()),
    )
    change = last - first
    return {
        "day": begin.date().isoformat(),
        "equity_begin": f"{first:f}",
        "equity_end": f"{last:f}",
        "pnl": f"{change:f}",
        "pnl_percent": f"{(change / first * 100 if first > 0 else ZERO):.4f}",
        "realized_pnl": f"{sums['realized']:f}",
        "fees": f"{sums['fees']:f}",
        "traded": f"{sums['traded']:f}",
        "fills": sums["fills"],
    }


def _equity(portfolio: Portfolio, at: datetime) -> Decimal:
    """Return what the portfolio was worth at a time by its newest snapshot until then; its initial cash before any."""
    row = EquitySnapshot.objects.filter(portfolio=portfolio, at__lte=at).order_by("-at").first()
    equity: Decimal = portfolio.initial_cash if row is None else row.equity
    return equity
