"""What becomes of signals, written down and told."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apps.accounts.models import User
from apps.common.events import publish
from apps.strategies import metrics
from apps.strategies.models import Signal, SignalOutcome


def signal_settle(*, signal: Signal, outcome: SignalOutcome, reason: str = "") -> Signal:
    """Write down what became of a signal, and tell of it."""
    signal.outcome = outcome
    signal.outcome_reason = reason[:500]
    signal.save(update_fields=["outcome", "outcome_reason", "updated_at"])
    strategy = signal.strategy
    if not strategy.portfolio.is_simulation:
        metrics.SIGNALS.labels(strategy.rule, signal.action, outcome.value).inc()
        _publish(signal)
    return signal


def signal_await(*, signal: Signal) -> Signal:
    """Let a signal wait for a person, as long as its strategy gives it; by the clock, not the market's time."""
    minutes = signal.strategy.approval_minutes
    signal.expires_at = timezone.now() + timedelta(minutes=minutes)
    signal.save(update_fields=["expires_at", "updated_at"])
    return signal_settle(signal=signal, outcome=SignalOutcome.AWAITING)


def signal_decide(*, signal: Signal, actor: User) -> Signal:
    """Write down who decided a waiting signal; the caller settles it."""
    signal.decided_by, signal.decided_at = actor, timezone.now()
    signal.save(update_fields=["decided_by", "decided_at", "updated_at"])
    return signal


def _publish(signal: Signal) -> None:
    strategy = signal.strategy
    data = {
        "id": str(signal.pk),
        "strategy": strategy.name,
        "symbol": strategy.instrument.symbol,
        "action": signal.action,
        "confidence": signal.confidence,
        "price": f"{signal.price:f}",
        "reason": signal.reason,
        "outcome": str(signal.outcome),
        "source": signal.source,
        "expires_at": signal.expires_at.isoformat() if signal.expires_at else None,
        "at": signal.at.isoformat(),
    }
    publish("signals", data, owner_id=strategy.portfolio.owner_id)
