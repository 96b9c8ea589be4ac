"""From a strategy's signal to its order: committed, and accepted by the venue."""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import datetime
from decimal import Decimal

from django.db.models import Max

from apps.orders.models import Order, OrderEvent, SeriesCursor
from apps.strategies.services import strategy_create, strategy_enable
from tests.benchmarks.results import Result

from .desk import Market, emptied, settled, trader
from .pipeline import workers

STRATEGIES = 5
PATIENCE = 60


def run(options: argparse.Namespace) -> list[Result]:
    emptied()
    market = Market()
    for number in range(8):
        market.tick(_price(number))
    for number in range(STRATEGIES):
        strategy = strategy_create(
            portfolio=trader(f"trader{number}").portfolio, name=f"Cross {number}", rule="sma_cross",
            instrument=market.instrument, timeframe=market.feed.timeframe, parameters={"fast": 1, "slow": 2},
            direction="both", sizing_mode="fixed_quantity", sizing_value=Decimal(1), protect=False,
        )  # fmt: skip
        strategy_enable(strategy=strategy)
    settled()
    with workers(1):
        for number in range(8, 8 + options.signals):
            market.tick(_price(number))
            _wait(market)
    return [_result()]


def _price(number: int) -> Decimal:
    """Return a price that is above the last one, then below it, in turns of two."""
    return Decimal(100 + (number // 2) % 2)


def _wait(market: Market) -> None:
    """Return when the newest candle has been traded: every strategy has seen it, and its order is at the venue."""
    deadline = time.monotonic() + PATIENCE
    while not SeriesCursor.objects.filter(feed=market.feed, traded_through=market.newest).exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"The candle of {market.newest} was not traded within {PATIENCE} s.")
        time.sleep(0.01)


def _result() -> Result:
    accepted: dict[object, datetime] = dict(
        OrderEvent.objects.filter(kind="accepted").values_list("order_id").annotate(at=Max("at"))
    )
    committed, sent = [], []
    for order in Order.objects.exclude(signal=None).select_related("signal"):
        committed.append((order.created_at - order.signal.created_at).total_seconds() * 1000)
        if order.pk in accepted:
            sent.append((accepted[order.pk] - order.signal.created_at).total_seconds() * 1000)
    rows = [_row("to the order, as it is written", committed), _row("to the venue's acceptance", sent)]
    return Result(f"From the signal, {STRATEGIES} strategies on one worker process", ["", "p50", "p95", "orders"], rows)


def _row(name: str, values: list[float]) -> list[str]:
    p50, p95 = statistics.median(values), statistics.quantiles(values, n=20)[-1]
    return [name, f"{p50:.1f} ms", f"{p95:.1f} ms", f"{len(values):,}"]
