"""The paper venue's chance, and what holds for any orders and candles: quantities, shares, trades, a new process."""

import subprocess
import sys
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from algotrendy.trading.values import TimeInForce
from apps.accounts.models import User
from apps.brokers.models import PaperOrder, PaperTrade
from tests.apps.brokers.venue import HOUR, Venue
from tests.builders import MARKET_TIME

pytestmark = pytest.mark.django_db
CHANCE = {"volume_share": D("0.1"), "latency_ms": 60_000}


def traded(owner, seed):
    """Return what an account with the seed makes of five orders and as many candles, and when the orders arrive."""
    venue = Venue(owner, seed=seed, **CHANCE)
    for number in range(5):
        venue.send(f"order-{number}", quantity="40")
    reports = [venue.show(volume="100") for _ in range(5)]
    orders = PaperOrder.objects.filter(connection=venue.connection).order_by("id")
    return reports, [order.active_from for order in orders]


def test_the_same_seed_gives_the_same_fills_and_latencies_and_another_seed_others(trader):
    first, again, other = traded(trader, 7), traded(trader, 7), traded(trader, 8)
    assert first == again
    assert first[0] != other[0]
    assert first[1] != other[1]


def test_chance_makes_the_latency_half_to_one_and_a_half_and_each_orders_own(trader):
    venue = Venue(trader, seed=3, **CHANCE)
    for number in range(50):
        venue.send(f"order-{number}")
    delays = {order.active_from - MARKET_TIME for order in PaperOrder.objects.all()}
    assert len(delays) == 50
    assert all(timedelta(seconds=30) <= delay <= timedelta(seconds=90) for delay in delays)
    assert min(delays) < timedelta(seconds=45) < timedelta(seconds=75) < max(delays)


def test_a_draw_does_not_depend_on_the_process():
    code = "from algotrendy.trading.chance import draw; print(draw(7, 'latency', 'order-1'), draw(7, 'volume', 'a'))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


prices = st.integers(90, 110).map(D)
quantities = st.integers(1, 40).map(lambda tenths: D(tenths) / 10)
kinds = st.sampled_from(["market", "limit", "stop", "stop_limit", "take_profit", "trailing_stop"])


@st.composite
def requests(draw):
    kind = draw(kinds)
    more = {"side": draw(st.sampled_from(["buy", "sell"])), "quantity": draw(quantities), "kind": kind}
    if kind in ("limit", "stop_limit"):
        more["limit_price"] = draw(prices)
    if kind in ("stop", "stop_limit", "take_profit"):
        more["stop_price"] = draw(prices)
    if kind == "trailing_stop":
        more["trail_amount"] = draw(st.integers(1, 8))
    if kind in ("market", "limit"):
        more["time_in_force"] = draw(st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]))
    if draw(st.booleans()):
        more["oco_group"] = draw(st.sampled_from(["a", "b"]))
    return more


@st.composite
def candles(draw):
    drawn = [draw(prices) for _ in range(4)]
    return {
        "o": drawn[0], "h": max(drawn), "lo": min(drawn), "c": drawn[1],
        "volume": draw(st.integers(0, 60)),
    }  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(st.one_of(requests(), candles()), max_size=14),
    share=st.sampled_from([D(0), D("0.05"), D("0.1"), D(1)]),
    seed=st.integers(0, 2),
)
def test_no_orders_and_candles_fill_more_than_was_asked_or_than_the_share(trader, steps, share, seed):
    with transaction.atomic():
        venue = Venue(User.objects.get(pk=trader.pk), volume_share=share, seed=seed)
        asked, is_open = {}, False
        for number, step in enumerate(steps):
            if "kind" in step:
                asked[f"o{number}"] = step["quantity"]
                if is_open:
                    step = {**step, "oco_group": ""}  # A pair is sent together.
                venue.send(f"o{number}", **step)
                continue
            is_open, reports = True, venue.show(**step)
            filled = sum((quantity for kind, _, quantity, _ in reports if kind == "filled"), D(0))
            assert not share or filled <= share * step["volume"]
            venue.now -= HOUR
            assert venue.show(**step) == []  # The same candle again does nothing.
        check_book(venue, asked)
        transaction.set_rollback(True)


def check_book(venue, asked):
    """Hold every order against its trades, and each pair against what it was to trade together."""
    trades = defaultdict(D)
    for trade in PaperTrade.objects.filter(order__connection=venue.connection):
        assert trade.quantity > 0
        trades[trade.order.client_order_id] += trade.quantity
    orders = list(PaperOrder.objects.filter(connection=venue.connection))
    assert len(orders) == len(asked)
    groups = defaultdict(list)
    for order in orders:
        assert order.filled_quantity == trades[order.client_order_id] <= order.quantity <= asked[order.client_order_id]
        assert (order.status == "filled") == (order.filled_quantity == order.quantity)
        assert venue.order(order.client_order_id).filled_quantity == order.filled_quantity
        if order.oco_group:
            groups[order.oco_group].append(order)
    for group in groups.values():
        together = sum(order.filled_quantity for order in group)
        assert together <= max(asked[order.client_order_id] for order in group)
        if any(order.status == "filled" for order in group):
            assert all(order.status != "open" for order in group)
