"""Which halts there are, whom they cover, and how far trading goes under them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from algotrendy.trading.risk import TradingMode
from apps.accounts.models import User
from apps.common.prepared import Given, Prepared
from apps.portfolio.models import HaltCause, HaltWidth, Portfolio, TradingHalt

BY_MARKET = (HaltCause.DAILY_LOSS, HaltCause.COOLDOWN)
"""The halts whose `until` is market time: they end when the portfolio's market has come so far.

Where that was yet to come by the clock, too (the market is a live one and no replay), the clock ends them as well: the
next candle may be a day away.
"""
STRICTNESS = {TradingMode.REDUCING: 1, TradingMode.HALTED: 2}


@dataclass(frozen=True, slots=True)
class Decision:
    """How far trading goes, and the halt that says so; None while nothing is halted."""

    mode: TradingMode
    halt: TradingHalt | None = None

    @property
    def reason(self) -> str:
        return "" if self.halt is None else self.halt.reason


TRADING = Decision(TradingMode.ACTIVE)


def open_halts() -> QuerySet[TradingHalt]:
    """Return the halts that hold now."""
    return _open_at(timezone.now())


def is_any_halted() -> bool:
    """Tell whether any halt holds now, whomever it covers."""
    return bool(_ANY(now=timezone.now()))


def _open_at(now: datetime | Given) -> QuerySet[TradingHalt]:
    return TradingHalt.objects.filter(ended_at=None).filter(Q(until=None) | ~due_by_clock(now))


def due_by_clock(now: datetime | Given | None = None) -> Q:
    """Return the filter on halts with an `until` that the clock has passed."""
    return Q(until__lte=now or timezone.now()) & (~Q(cause__in=BY_MARKET) | Q(until__gt=F("created_at")))


def trading_mode(portfolio: Portfolio, book: str) -> Decision:
    """Return how far the book may trade: the strictest of the halts that cover it decides, the oldest of equal ones.

    A simulation trades history: nothing halts it.
    """
    if portfolio.is_simulation:
        return TRADING
    found = _COVERING(portfolio=portfolio.pk, book=book, now=timezone.now())
    if not found:
        return TRADING
    halt = max(found, key=lambda each: STRICTNESS[TradingMode(each.mode)])
    return Decision(TradingMode(halt.mode), halt)


def covers(halt: TradingHalt, path: str = "portfolio") -> Q:
    """Return the filter on rows with a portfolio (at `path`) and a book that the halt covers; simulations never are."""
    if halt.width == HaltWidth.PLATFORM:
        return Q(**{f"{path}__is_simulation": False})
    where = Q(**{path: halt.portfolio_id})
    return where & Q(book=halt.book) if halt.width == HaltWidth.STRATEGY else where


def halts_of(user: User) -> QuerySet[TradingHalt]:
    """Return the halts that the user may see: of their portfolios and of the platform, an administrator all."""
    halts = TradingHalt.objects.select_related("portfolio__owner", "started_by", "ended_by")
    return halts if user.is_admin else halts.filter(Q(portfolio=None) | Q(portfolio__owner=user))


def open_halts_of(user: User) -> QuerySet[TradingHalt]:
    """Return the halts that hold now and that the user may see, the widest and strictest first."""
    rows = halts_of(user).filter(pk__in=open_halts().values("pk"))
    return rows.order_by("width", "mode", "created_at")


def halts_covering(user: User) -> QuerySet[TradingHalt]:
    """Return the halts that hold now for the user's own trading, the widest and strictest first."""
    return open_halts_of(user).filter(Q(portfolio=None) | Q(portfolio__owner=user))


def halt_title(halt: TradingHalt) -> str:
    """Return what is halted, and how far, in a few words."""
    where = "The platform"
    if halt.portfolio is not None:
        where = f"The strategy {halt.book} in {halt.portfolio}" if halt.book else f"The portfolio {halt.portfolio}"
    return f"{where} {'is halted' if halt.mode == TradingMode.HALTED else 'only reduces positions'}"


def _covering() -> QuerySet[TradingHalt]:
    portfolio = Q(portfolio=Given("portfolio"))
    whole = Q(width=HaltWidth.PLATFORM) | Q(width=HaltWidth.PORTFOLIO) & portfolio
    covering = whole | Q(width=HaltWidth.STRATEGY, book=Given("book")) & portfolio
    return _open_at(Given("now")).filter(covering).order_by("created_at", "id")


_COVERING = Prepared(_covering)
_ANY = Prepared(lambda: _open_at(Given("now")).order_by().values_list("pk")[:1])
