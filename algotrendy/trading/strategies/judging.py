"""The checks that a class must pass before it is a strategy of the platform, in this order.

Name, title and summary; parameters; warm-up; signals on generated candles; no look into the future.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from collections.abc import Collection
from dataclasses import replace
from types import ModuleType

import numpy as np

from algotrendy.trading.backtest.generated import random_walk
from algotrendy.trading.candles import Candles
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.strategies.base import LARGEST, Strategy
from algotrendy.trading.strategies.checking import ask, ask_actions
from algotrendy.trading.strategies.foresight import changed_cuts, same_signals
from algotrendy.trading.strategies.places import Flaw, Source
from algotrendy.trading.values import Timeframe

SLUG = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_NAME = 64
MOST_WARM_UP = 10_000
"""A live run loads four times as many candles."""
KINDS = {"int": int, "float": float, "bool": bool}
LEAST_CANDLES, AFTER_WARM_UP, STILL = 600, 400, 60
CUTS = 16
SEED = 20_240_101


def strategies_in(module: ModuleType, source: Source) -> list[type[Strategy]]:
    """Return the strategies that the module defines; raise Flaw where there is none.

    A class that has no name of its own and lacks methods is a base for others.
    """
    classes = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Strategy)]
    own = [each for each in dict.fromkeys(classes) if each.__module__ == module.__name__]
    found = [each for each in own if "name" in vars(each) or not inspect.isabstract(each)]
    if not found:
        raise Flaw("The file defines no strategy: a class on Strategy with a name.", 1)
    names = [each.name for each in found if isinstance(getattr(each, "name", None), str)]
    for each in found:
        if names.count(getattr(each, "name", "")) > 1:
            raise Flaw(f"The file names two strategies {each.name!r}.", source.line_of(each, "name"))
    return found


def judge(cls: type[Strategy], source: Source, taken: Collection[str]) -> None:
    """Raise Flaw with a line where the class cannot be a strategy; `taken` are the names that others have."""
    _check_words(cls, source, taken)
    _check_parameters(cls, source)
    with source.blaming(cls, "validate", "With its defaults: "):
        strategy = cls()
        strategy.validate()
    warm_up = _checked_warm_up(strategy, source)
    _check_signals(strategy, source, _candles(warm_up), warm_up)


def _check_words(cls: type[Strategy], source: Source, taken: Collection[str]) -> None:
    if missing := sorted(cls.__abstractmethods__):
        raise Flaw(f"{cls.__name__} does not define {', '.join(missing)}.", source.line_of(cls))
    for word in ("name", "title", "summary"):
        text = getattr(cls, word, None)
        if not isinstance(text, str) or not text.strip():
            raise Flaw(f"{cls.__name__} needs a {word}: a text.", source.line_of(cls, word))
    if not SLUG.fullmatch(cls.name) or len(cls.name) > LONGEST_NAME:
        advice = f"lower-case letters, digits and single underscores, {LONGEST_NAME} characters at most"
        raise Flaw(f"The name {cls.name!r:.80} is not made of {advice}.", source.line_of(cls, "name"))
    if cls.name in taken:
        raise Flaw(f"The name {cls.name!r} is taken by another strategy.", source.line_of(cls, "name"))


def _check_parameters(cls: type[Strategy], source: Source) -> None:
    if "__dataclass_params__" not in vars(cls):
        raise Flaw(f"{cls.__name__} needs @dataclass(frozen=True) before it.", source.line_of(cls))
    for item in dataclasses.fields(cls):
        line = source.line_of(cls, item.name)
        kind = item.type if isinstance(item.type, str) else item.type.__name__
        if kind not in KINDS:
            raise Flaw(f"{item.name} must be an int, a float or a bool, not {kind}.", line)
        if not {"description", "minimum", "maximum"} <= set(item.metadata):
            raise Flaw(f"{item.name} must be declared with number(...) or switch(...).", line)
        if (kind == "bool") != (item.metadata["minimum"] is None):
            raise Flaw(f"{item.name} is {kind}: use {'switch' if kind == 'bool' else 'number'}(...).", line)
        if not isinstance(item.metadata["description"], str) or not item.metadata["description"].strip():
            raise Flaw(f"{item.name} needs a description.", line)
    for spec in cls.parameters():
        line = source.line_of(cls, spec.name)
        if spec.kind is not bool and not _is_range(spec.minimum, spec.maximum):
            raise Flaw(f"{spec.name} needs a range: minimum below maximum, both finite numbers.", line)
        with source.blaming(cls, spec.name, "The default of "):
            spec.check(spec.default)


def _is_range(low: object, high: object) -> bool:
    numbers = [each for each in (low, high) if isinstance(each, int | float) and not isinstance(each, bool)]
    return len(numbers) == 2 and all(map(math.isfinite, numbers)) and -LARGEST <= numbers[0] < numbers[1] <= LARGEST


def _checked_warm_up(strategy: Strategy, source: Source) -> int:
    cls = type(strategy)
    with source.blaming(cls, "warm_up"):
        warm_up: object = strategy.warm_up
    if isinstance(warm_up, bool) or not isinstance(warm_up, int) or not 0 <= warm_up <= MOST_WARM_UP:
        text = f"warm_up must be a whole number from 0 to {MOST_WARM_UP:,}, not {warm_up!r:.40}."
        raise Flaw(text, source.line_of(cls, "warm_up"))
    return warm_up


def _check_signals(strategy: Strategy, source: Source, candles: Candles, warm_up: int) -> None:
    """Ask on candles that the rule cannot write to; they stand still for a while, without any volume."""
    cls = type(strategy)
    with source.blaming(cls, "signals", "On generated candles: "):
        columns, again = ask(strategy, candles), ask(strategy, candles)
    if not same_signals(again, columns, len(candles)):
        text = f"{cls.name} says something else when it is asked again about the same candles."
        raise Flaw(text, source.line_of(cls, "signals"))
    with source.blaming(cls, "actions", "On generated candles: "):
        if not np.array_equal(ask_actions(strategy, candles), columns.action):
            raise Flaw("actions and signals disagree.", source.line_of(cls, "actions"))
    with source.blaming(cls, "explain", "On the newest candle: "):
        reason = strategy.explain(candles, columns)
    if not isinstance(reason, str):
        raise Flaw(f"explain must return a text, not {type(reason).__name__}.", source.line_of(cls, "explain"))
    _check_foresight(strategy, source, candles, columns, warm_up)


def _check_foresight(
    strategy: Strategy, source: Source, candles: Candles, columns: SignalColumns, warm_up: int
) -> None:
    cls, cuts = type(strategy), _cuts(columns, warm_up)
    with source.blaming(cls, "signals", "On a part of the candles: "):
        changed = changed_cuts(strategy, candles, cuts)
    if changed:
        text = f"{cls.name} looks ahead: {len(changed)} of {len(cuts)} cuts of the history changed signals before them."
        raise Flaw(text, source.line_of(cls, "signals"))


def _cuts(columns: SignalColumns, warm_up: int) -> list[int]:
    """Return where to cut: right after rows that trade, where a look ahead shows soonest, and anywhere else."""
    rng = np.random.default_rng(SEED)
    trades = np.flatnonzero(columns.action) + 1
    chosen = rng.choice(trades, min(CUTS, len(trades)), replace=False)
    anywhere = rng.integers(warm_up + 1, len(columns.action), CUTS)
    return sorted({*chosen.tolist(), *anywhere.tolist()})


def _candles(warm_up: int) -> Candles:
    """Return candles on which a rule must keep its word: a wild walk, with a stretch on which nothing happens."""
    walk = random_walk(Timeframe.H1, max(LEAST_CANDLES, 2 * warm_up + AFTER_WARM_UP), seed=SEED)
    still = slice(len(walk) // 2, len(walk) // 2 + min(warm_up, len(walk) // 4) + STILL)
    price = walk.close[still.start - 1]
    columns = {name: getattr(walk, name).copy() for name in ("open", "high", "low", "close", "volume")}
    for name, column in columns.items():
        column[still] = 0.0 if name == "volume" else price
    return replace(walk, **columns).read_only()
