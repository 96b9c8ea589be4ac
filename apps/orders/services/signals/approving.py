"""Signals that wait for a person: approved at the price of that moment, declined, or lapsed; decided once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from algotrendy.trading.errors import TradingError
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.orders.services.entry.placing import market_of
from apps.orders.services.signals.executing import signal_follow, signal_read
from apps.orders.services.steps.stepping import send_soon
from apps.portfolio.models import Portfolio
from apps.portfolio.services import portfolio_lock
from apps.strategies.models import Signal, SignalOutcome
from apps.strategies.services import signal_decide, signal_settle

DISABLED = "The strategy is disabled."


class SignalDecided(TradingError):
    """The signal does not wait for anybody, or not any more."""

    code = "signal_decided"


class SignalLapsed(TradingError):
    """The signal's time to be approved is over."""

    code = "signal_lapsed"


def signal_approve(*, signal: Signal, actor: User) -> Signal:
    """Let a waiting signal trade at the present market price, under the checks of any signal; return it settled.

    It may still come to nothing: denied by the limits, or skipped as its position or its working orders have changed.
    Raises SignalDecided, and SignalLapsed once its time is over.
    """
    return _require_in_time(_approve(signal, actor))


def signal_decline(*, signal: Signal, actor: User) -> Signal:
    """Let a waiting signal trade nothing; raise SignalDecided or SignalLapsed where it does not wait."""
    return _require_in_time(_decline(signal, actor))


def signals_lapse() -> int:
    """Settle the waiting signals whose time is over; return how many there were."""
    due = Signal.objects.filter(outcome=SignalOutcome.AWAITING, expires_at__lte=timezone.now())
    return sum(_lapse(signal) for signal in due.select_related("strategy"))


@transaction.atomic
def _approve(signal: Signal, actor: User) -> Signal:
    portfolio, signal = _waiting(signal)
    if _is_over(signal):
        return signal
    signal_decide(signal=signal, actor=actor)
    if not signal.strategy.enabled:
        signal_settle(signal=signal, outcome=SignalOutcome.SKIPPED, reason=DISABLED)
        order = None
    else:
        order = signal_follow(signal=signal, portfolio=portfolio, market=market_of(signal.strategy.instrument))
    told = order.summary if order else signal.outcome_reason
    audit(Action.SIGNAL_APPROVED, user=actor, target=signal, outcome=signal.outcome, order=told)
    if order is not None:
        send_soon(order)
    return signal


@transaction.atomic
def _decline(signal: Signal, actor: User) -> Signal:
    _, signal = _waiting(signal)
    if _is_over(signal):
        return signal
    signal_decide(signal=signal, actor=actor)
    signal_settle(signal=signal, outcome=SignalOutcome.DECLINED, reason=f"Declined by {actor}.")
    audit(Action.SIGNAL_DECLINED, user=actor, target=signal)
    return signal


@transaction.atomic
def _lapse(signal: Signal) -> bool:
    portfolio_lock(signal.strategy.portfolio_id)
    signal = signal_read(signal.pk)
    return signal.outcome == SignalOutcome.AWAITING and _is_over(signal)


def _waiting(signal: Signal) -> tuple[Portfolio, Signal]:
    """Return the locked portfolio and the signal that waits; raise SignalDecided where it does not."""
    portfolio = portfolio_lock(signal.strategy.portfolio_id)
    signal = signal_read(signal.pk)
    if signal.outcome == SignalOutcome.LAPSED:
        raise _lapsed(signal.expires_at)
    if signal.outcome != SignalOutcome.AWAITING:
        state = signal.get_outcome_display().lower()
        raise SignalDecided(f"The signal does not wait for approval: it is {state}.")
    return portfolio, signal


def _is_over(signal: Signal) -> bool:
    """Tell whether the signal's time is over; it is settled then."""
    if signal.expires_at is None or timezone.now() < signal.expires_at:
        return False
    signal_settle(signal=signal, outcome=SignalOutcome.LAPSED, reason="Nobody approved it in time.")
    return True


def _require_in_time(signal: Signal) -> Signal:
    """Return the signal; raise SignalLapsed after its lapse has been committed."""
    if signal.outcome == SignalOutcome.LAPSED:
        raise _lapsed(signal.expires_at)
    return signal


def _lapsed(expired: datetime | None) -> SignalLapsed:
    when = f" at {expired:%Y-%m-%d %H:%M:%S} UTC" if expired else ""
    return SignalLapsed(f"The signal lapsed{when}; wait for the strategy's next one.")
