"""The comparison of both sides finds what it is there to find."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest

from tests.faults.order_faults import faults_of
from tests.faults.order_truth import Ours, Sides, Theirs

ASKED = {"entry": D(1)}
PLACE = ("guarded", "BTC/USDT")
WORDS = {"open": "NEW", "partially_filled": "PARTIALLY_FILLED", "filled": "FILLED", "canceled": "CANCELED"}


def ours(name: str, **overrides: Any) -> Ours:
    """Return an order that has bought 1 BTC in an account whose positions are stopped."""
    values: dict[str, Any] = {
        "name": name, "account": "guarded", "symbol": "BTC/USDT", "side": "buy", "type": "market", "role": "manual",
        "status": "filled", "quantity": D(1), "filled": D(1), "stop_price": None, "group": "", "is_reducing": False,
        "parent": None, "replaces": None, "reason": "", **overrides,
    }  # fmt: skip
    return Ours(**values)


def leg(name: str, **overrides: Any) -> Ours:
    """Return the stop that rests below what `entry` has bought."""
    values: dict[str, Any] = {
        "side": "sell", "type": "stop", "role": "stop_loss", "status": "open", "filled": D(0), "stop_price": D(95),
        "group": "pair", "is_reducing": True, "parent": "entry", **overrides,
    }  # fmt: skip
    return ours(name, **values)


TARGET = {"type": "take_profit", "role": "take_profit", "status": "held", "stop_price": D(105)}


def sides(*orders: Ours, held: str = "1", price: str = "100") -> Sides:
    """Return both sides as they are where the exchange knows of these orders what the platform does."""
    there = {
        order.name: [Theirs(order.name, order.account, WORDS[order.status], order.quantity, order.filled, False)]
        for order in orders
        if order.status in WORDS
    }
    holds = {PLACE: D(held)} if D(held) else {}
    by_name = {order.name: order for order in orders}
    return Sides(by_name, there, [], [], holds, holds, {}, {"BTC/USDT": D(price)})


def test_what_is_as_it_must_be_is_no_fault() -> None:
    protected = sides(ours("entry"), leg("stop"), leg("target", **TARGET))
    assert faults_of(protected, ASKED) == []


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (sides(held="0"), "entry is lost"),
        (sides(ours("entry")), "stopped are 0"),
        (sides(ours("entry"), leg("stop", quantity=D("0.4"))), "stopped are 0.4"),
        (sides(ours("entry"), leg("stop"), leg("again", group="")), "stopped are 2"),
        (sides(ours("entry"), leg("stop"), held="0"), "is closed"),
        (sides(ours("entry"), leg("stop"), leg("target", **TARGET, quantity=D("0.4"))), "a stop and its target differ"),
        (
            sides(ours("entry"), leg("stop", status="filled", filled=D(1)),
                  leg("target", **{**TARGET, "status": "filled"}, filled=D(1)), held="0"),
            "more is closed than was opened",
        ),
        (sides(ours("entry"), leg("stop", status="held"), price="94"), "stop waits, though BTC/USDT is at 94"),
        (sides(ours("entry"), leg("stop"), held="-1"), "holds -1"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)  # fmt: skip
def test_a_broken_protection_is_found(broken: Sides, word: str) -> None:
    assert any(word in fault for fault in faults_of(broken, ASKED))


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ({"status": "open", "filled": D(0)}, {"status": "open", "filled": D(0)}, "several of a chain work"),
        ({"status": "open", "filled": D(0)}, {"status": "canceled", "filled": D(0)}, "works that was replaced"),
        (
            {"status": "canceled", "filled": D(0)},
            {"status": "canceled", "filled": D(0), "reason": "unknown_at_venue"},
            "nobody asked to end",
        ),
    ],
)
def test_a_broken_succession_is_found(first: dict[str, Any], second: dict[str, Any], word: str) -> None:
    chain = [ours("entry", **first), ours("after", **second, replaces="entry")]
    placed = [replace(order, account="mixed") for order in chain]
    assert any(word in fault for fault in faults_of(sides(*placed, held="0"), ASKED))


def test_a_succession_that_fills_more_than_was_asked_for_is_found() -> None:
    first = ours("entry", status="canceled", filled=D("0.4"), account="mixed")
    last = ours("after", filled=D("0.7"), quantity=D("0.7"), account="mixed", replaces="entry")
    found = faults_of(sides(first, last), {**ASKED, "after": D(1)})
    assert any("a chain has filled 1.1" in fault for fault in found)


@pytest.mark.parametrize(("filled", "word"), [("1", "more of a group is filled"), ("0.4", "only 0.2 of a group's 1")])
def test_a_broken_pair_is_found(filled: str, word: str) -> None:
    part = {"account": "mixed", "group": "pair", "status": "partially_filled", "type": "limit"}
    pair = [ours("entry", **part, filled=D(filled)), ours("other", **part, filled=D("0.4"))]
    assert any(word in fault for fault in faults_of(sides(*pair, held="0"), ASKED))


def test_an_order_that_only_the_exchange_works_on_is_found() -> None:
    left = sides(ours("entry"), leg("stop"))
    ended = replace(left.ours["stop"], status="canceled")
    found = faults_of(replace(left, ours={**left.ours, "stop": ended}), ASKED)
    assert any("an orphan" in fault for fault in found)


def test_an_order_that_came_twice_is_found() -> None:
    left = sides(ours("entry"), leg("stop"))
    twice = replace(left, theirs={**left.theirs, "entry": left.theirs["entry"] * 2})
    assert any("entry is 2 times at the exchange" in fault for fault in faults_of(twice, ASKED))
