"""Whether a strategy may trade at all: a rule that knows the future has no business with the present."""

from __future__ import annotations

from datetime import timedelta
from queue import Empty, Queue
from threading import Lock, Thread
from typing import TYPE_CHECKING

from algotrendy.trading.candles import Candles
from algotrendy.trading.errors import TradingError
from algotrendy.trading.strategies.base import Strategy as Rule
from algotrendy.trading.values import Timeframe
from apps.marketdata.selectors import candles_window, source_of
from apps.strategies.models import Strategy

if TYPE_CHECKING:
    from algotrendy.trading.backtest.verdicts import Check

NEWEST = 2000
"""So many stored candles are looked at after those that the rule needs first."""
LEAST = 200
"""With fewer than these after the rule's first ones, generated candles are looked at instead."""
PATIENCE = timedelta(seconds=5)
REMEMBERED = 1000
type Verdict = Check | Exception
_verdicts: dict[tuple[type[Rule], Rule], Verdict] = {}
_lock = Lock()


class StrategyNotReady(TradingError):
    """The strategy cannot be enabled as it is."""

    code = "strategy_not_ready"


def require_honest(strategy: Strategy) -> None:
    """Raise StrategyNotReady where the strategy's signals change with what comes after them.

    The rule is asked on parts of its history (`honesty.look_ahead`); the answer holds for the rule with these
    parameters as long as the process lives. A rule that raises, or takes longer than PATIENCE, is refused as well.
    """
    from algotrendy.trading.backtest.verdicts import Verdict as Word

    rule = strategy.configured_rule
    verdict = _known(rule) or _remember(rule, _ask(rule, _candles(strategy, rule)))
    if isinstance(verdict, Exception):
        text = f"{strategy.name} cannot run: its rule raised {type(verdict).__name__}: {verdict}"
        raise StrategyNotReady(text[:500], code="rule_failed")
    if verdict.verdict is Word.FAILED:
        raise StrategyNotReady(f"{strategy.name} looks ahead. {verdict.message}", code="looks_ahead")


def _known(rule: Rule) -> Verdict | None:
    return _verdicts.get((type(rule), rule))


def _remember(rule: Rule, verdict: Verdict) -> Verdict:
    with _lock:
        while len(_verdicts) >= REMEMBERED:
            del _verdicts[next(iter(_verdicts))]
        _verdicts[type(rule), rule] = verdict
    return verdict


def _ask(rule: Rule, candles: Candles) -> Verdict:
    """Check the rule in a thread of its own, which is left alone where it does not end in time."""
    from algotrendy.trading.backtest.honesty import look_ahead

    answer: Queue[Verdict] = Queue()

    def work() -> None:
        try:
            answer.put(look_ahead(rule, candles, rule.warm_up))
        except Exception as error:  # A rule may be anybody's code.
            answer.put(error)

    Thread(target=work, name="look-ahead", daemon=True).start()
    try:
        return answer.get(timeout=PATIENCE.total_seconds())
    except Empty:
        raise StrategyNotReady(
            f"The rule {rule.name} was not through its history within {PATIENCE.seconds} seconds: it is too slow to "
            "trade, or the machine is busy; try again.",
            code="too_slow",
        ) from None


def _candles(strategy: Strategy, rule: Rule) -> Candles:
    """Return the newest stored candles of the strategy's series, or generated ones where there are too few."""
    from algotrendy.trading.backtest.generated import random_walk

    source = source_of(strategy.instrument, strategy.timeframe)
    length = rule.warm_up + NEWEST
    if source is not None:
        stored = candles_window(
            instrument=strategy.instrument, timeframe=strategy.timeframe, source=source, until=None, length=length
        )
        if len(stored) >= rule.warm_up + LEAST:
            return stored
    return random_walk(Timeframe(strategy.timeframe), length, seed=NEWEST)
