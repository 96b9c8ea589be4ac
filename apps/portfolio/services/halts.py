"""The kill switch: beginning and ending halts.

A halt is effective at once, also on orders that are queued: each is held against it when it is placed, and again just
before it is sent. It stops neither cancels nor what venues report.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone

from algotrendy.trading.errors import TradingError
from algotrendy.trading.risk import TradingMode
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.alerts.models import Severity
from apps.alerts.services import Finding, alerts_settle
from apps.common.jobs import enqueue
from apps.marketdata.models import Instrument
from apps.portfolio.halting import BY_MARKET, due_by_clock, halt_title, open_halts
from apps.portfolio.models import HaltCause, HaltWidth, Portfolio, Position, TradingHalt
from apps.portfolio.selectors import equity_with, open_positions

log = structlog.get_logger(__name__)
type Place = dict[str, Any]


class InvalidHalt(TradingError):
    """The halt cannot begin as asked."""

    code = "invalid_halt"


class HaltNotAllowed(TradingError):
    """The platform is halted by administrators, a portfolio by its owner and by them."""

    code = "halt_not_allowed"


class HaltIsOver(TradingError):
    """The halt has ended before."""

    code = "halt_is_over"


def halt_start(
    *,
    width: HaltWidth,
    mode: TradingMode,
    reason: str,
    actor: User | None,
    portfolio: Portfolio | None = None,
    book: str = "",
    flatten: bool = False,
    until: datetime | None = None,
) -> TradingHalt:
    """Halt the platform, a portfolio or a strategy's book of one; a halt that is there already gives way to this one.

    Asked for again as it is, it stays. Without an actor it is somebody at the machine. With `flatten` a worker cancels
    what works and closes what is held. Raises InvalidHalt and HaltNotAllowed.
    """
    place: Place = {"width": width, "portfolio": portfolio, "book": book, "cause": HaltCause.PERSON}
    wish = {"mode": mode, "reason": " ".join(reason.split())[:500], "flatten": flatten, "until": until}
    _require_valid(place, wish)
    _require_right(actor, portfolio)
    try:
        return _start(place, wish, actor)
    except IntegrityError:  # Another has begun one at the same place just now: it is known now, and gives way.
        return _start(place, wish, actor)


def halt_open(
    *,
    portfolio: Portfolio,
    cause: HaltCause,
    reason: str,
    until: datetime | None = None,
    mode: TradingMode | None = None,
) -> TradingHalt | None:
    """Let the platform itself halt a portfolio, whose lock the caller holds; None where it has done so for this cause.

    Only what reduces is traded from then on, unless another mode is given.
    """
    place: Place = {"width": HaltWidth.PORTFOLIO, "portfolio": portfolio, "book": "", "cause": cause}
    if portfolio.is_simulation or TradingHalt.objects.filter(**place, ended_at=None).exists():
        return None
    wish = {"mode": mode or TradingMode.REDUCING, "reason": reason[:500], "flatten": False, "until": until}
    return _create(place, wish, actor=None)


def halt_end(*, halt: TradingHalt, actor: User | None) -> TradingHalt:
    """Let trading go on, as far as no other halt covers it. Raises HaltIsOver and HaltNotAllowed.

    What a loss is measured from begins anew where a person ends the halt that it had caused: else it would halt again
    with the next price.
    """
    _require_right(actor, halt.portfolio)
    with transaction.atomic():
        if halt.portfolio_id is not None:
            _lock(halt.portfolio_id)
        halt = TradingHalt.objects.select_for_update(of=("self",)).select_related("portfolio__owner").get(pk=halt.pk)
        if halt.ended_at is not None:
            raise HaltIsOver("This halt is over already; there is nothing to end.")
        _end(halt, actor)
        _measure_anew(halt)
        _tell_soon()
    return halt


def halts_expire() -> int:
    """End the halts whose time has come by the clock; return how many."""
    return _expire(TradingHalt.objects.filter(due_by_clock(), ended_at=None))


def halts_expire_by_market(*, instrument: Instrument, at: datetime) -> int:
    """End the halts that last until a market time, once an instrument that their portfolio has traded is there."""
    traded = Position.objects.filter(portfolio=OuterRef("portfolio"), instrument=instrument)
    return _expire(TradingHalt.objects.filter(Exists(traded), ended_at=None, until__lte=at, cause__in=BY_MARKET))


def halts_tell() -> None:
    """Let the alerts of halts be those that hold: each the owner's, the platform's everybody's."""
    rows = open_halts().select_related("portfolio")
    alerts_settle("trading_halted", {f"halt:{halt.pk}": _finding(halt) for halt in rows})


@transaction.atomic
def _start(place: Place, wish: Place, actor: User | None) -> TradingHalt:
    if place["portfolio"] is not None:
        _lock(place["portfolio"].pk)
    before = TradingHalt.objects.select_for_update(of=("self",)).filter(**place, ended_at=None).first()
    if before is not None:
        if all(getattr(before, name) == value for name, value in wish.items()):
            return before
        _end(before, actor)
    return _create(place, wish, actor)


def _create(place: Place, wish: Place, actor: User | None) -> TradingHalt:
    halt = TradingHalt(**place, **wish, started_by=actor)
    with transaction.atomic():
        halt.save(force_insert=True)
    audit(Action.HALT_STARTED, user=actor, target=halt, **_told(halt))
    _tell_soon()
    if halt.flatten:
        enqueue("orders.flatten", str(halt.pk))
    log.warning("trading_halted", halt=str(halt.pk), **_told(halt))
    return halt


def _end(halt: TradingHalt, actor: User | None) -> None:
    halt.ended_at, halt.ended_by = timezone.now(), actor
    halt.save(update_fields=["ended_at", "ended_by", "updated_at"])
    audit(Action.HALT_ENDED, user=actor, target=halt, **_told(halt))
    log.warning("trading_resumed", halt=str(halt.pk), **_told(halt))


@transaction.atomic
def _expire(rows: Any) -> int:
    due = list(rows.select_for_update(of=("self",), skip_locked=True).order_by("pk"))
    for halt in due:
        _end(halt, None)
    if due:
        _tell_soon()
    return len(due)


def _tell_soon() -> None:
    """Settle the alerts after the commit: within it they would be locked across portfolios, in no order."""
    transaction.on_commit(halts_tell, robust=True)


def _measure_anew(halt: TradingHalt) -> None:
    if halt.portfolio is None or halt.cause not in (HaltCause.DRAWDOWN, HaltCause.DAILY_LOSS):
        return
    portfolio = halt.portfolio
    equity = equity_with(portfolio, open_positions(portfolio))
    name = "peak_equity" if halt.cause == HaltCause.DRAWDOWN else "day_equity"
    setattr(portfolio, name, equity)
    portfolio.save(update_fields=[name, "updated_at"])


def _lock(portfolio_id: uuid.UUID) -> None:
    Portfolio.objects.select_for_update(of=("self",)).get(pk=portfolio_id)


def _require_valid(place: Place, wish: Place) -> None:
    width, portfolio = place["width"], place["portfolio"]
    if wish["mode"] == TradingMode.ACTIVE:
        raise InvalidHalt("Choose reducing or halted; to let trading go on, end the halt.")
    if (width == HaltWidth.PLATFORM) != (portfolio is None):
        raise InvalidHalt("Name the portfolio to halt it or a strategy of it, and none to halt the platform.")
    if (width == HaltWidth.STRATEGY) != bool(place["book"]):
        raise InvalidHalt("Name the strategy to halt one, and none to halt a portfolio or the platform.")
    if portfolio is not None and portfolio.is_simulation:
        raise InvalidHalt(f"{portfolio} is a replay of history, which nothing halts.")
    if not wish["reason"]:
        raise InvalidHalt("Give a reason; whoever is stopped by the halt is told it.")
    if wish["until"] is not None and wish["until"] <= timezone.now():
        raise InvalidHalt("The halt would be over before it begins; give a later time, or none.")


def _require_right(actor: User | None, portfolio: Portfolio | None) -> None:
    if actor is None or actor.is_admin or (portfolio is not None and portfolio.owner_id == actor.pk):
        return
    raise HaltNotAllowed("Administrators halt the platform and end its halts, owners those of their own portfolios.")


def _told(halt: TradingHalt) -> dict[str, Any]:
    return {
        "width": str(halt.width),
        "portfolio": None if halt.portfolio_id is None else str(halt.portfolio_id),
        "book": halt.book,
        "mode": str(halt.mode),
        "cause": str(halt.cause),
        "reason": halt.reason,
        "flatten": halt.flatten,
        "until": None if halt.until is None else halt.until.isoformat(),
    }


def _finding(halt: TradingHalt) -> Finding:
    return Finding(
        f"{halt_title(halt)}: {halt.reason}",
        Severity.CRITICAL if halt.mode == TradingMode.HALTED else Severity.WARNING,
        owner_id=None if halt.portfolio is None else halt.portfolio.owner_id,
        page=reverse("admin:portfolio_tradinghalt_change", args=[halt.pk]),
    )
