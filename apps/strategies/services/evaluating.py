"""Asking strategies for a signal, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import structlog
from django.conf import settings

from algotrendy.trading.candles import Bar, Candles
from algotrendy.trading.signals import Action, Direction, follow
from algotrendy.trading.signals import Signal as Word
from algotrendy.trading.strategies.places import worded
from algotrendy.trading.values import quantize
from apps.strategies import metrics
from apps.strategies.models import Signal, SignalOutcome, SignalSource, Strategy
from apps.strategies.services.limiting import in_time

log = structlog.get_logger(__name__)


def strategy_evaluate(*, strategy: Strategy, candles: Candles, bar: Bar, held: int) -> Signal | None:
    """Ask the strategy about the newest candle; return the signal to act on, or None where nothing is to be done.

    `held` is the sign of what the strategy holds. Only a signal that asks for a trade is kept, once for each candle:
    asked again about the same candle, it returns that signal while it has not been acted on. A rule that raises,
    breaks its contract or takes longer than STRATEGY_SECONDS holds, and its error is kept on the strategy.
    """
    word = _ask(strategy, candles)
    if word is None or word.confidence < strategy.min_confidence:
        return None
    if follow(word.action, held, Direction(strategy.direction)) is None:
        return None
    signal, is_new = Signal.objects.get_or_create(
        strategy=strategy,
        candle_open_time=bar.open_time,
        source=SignalSource.RULE,
        defaults=_as_row(word, bar, strategy),
    )
    return signal if is_new or signal.outcome == SignalOutcome.NEW else None


def strategies_ran(*, strategies: Iterable[Strategy], at: datetime) -> None:
    """Write down the market time of the newest candle that these strategies have seen, and of the first."""
    seen = list(strategies)
    Strategy.objects.filter(pk__in=[strategy.pk for strategy in seen]).update(last_run_at=at)
    for strategy in seen:
        if strategy.running_since is None:  # The version that saw it: it may have been changed meanwhile.
            Strategy.objects.filter(pk=strategy.pk, version=strategy.version, enabled=True).update(running_since=at)


def strategies_hold(*, strategies: Iterable[Strategy], reason: str) -> None:
    """Note on strategies why they are not asked; the next time that they are clears it."""
    for strategy in strategies:
        log.warning("strategy_held", strategy=str(strategy.pk), reason=reason)
        _remember_error(strategy, reason)


def _ask(strategy: Strategy, candles: Candles) -> Word | None:
    try:
        rule = strategy.configured_rule
        word = in_time(settings.STRATEGY_SECONDS, rule.name, lambda: rule.latest(candles))
    except (Exception, SystemExit) as error:  # A rule may be anybody's code: it must not stop the others.
        metrics.FAILURES.labels(strategy.rule).inc()
        log.exception("strategy_failed", strategy=str(strategy.pk), rule=strategy.rule)
        _remember_error(strategy, worded(error))
        return None
    if strategy.last_error:
        _remember_error(strategy, "")
    return None if word.action is Action.HOLD else word


def _remember_error(strategy: Strategy, message: str) -> None:
    strategy.last_error = message[:500]
    strategy.save(update_fields=["last_error", "updated_at"])


def _as_row(word: Word, bar: Bar, strategy: Strategy) -> dict[str, object]:
    return {
        "strategy_version": strategy.version,
        "at": bar.close_time,
        "action": word.action,
        "confidence": word.confidence,
        "price": bar.close,
        "stop_loss": _amount(word.stop_loss),
        "take_profit": _amount(word.take_profit),
        "reason": word.reason[:500],
    }


def _amount(price: float | None) -> Decimal | None:
    return None if price is None else quantize(Decimal(repr(price)))
