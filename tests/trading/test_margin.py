"""Margin: worked examples by hand, and what holds for every position."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrendy.trading.margin import (
    Backing,
    Health,
    MarginStage,
    collateral,
    funding_due,
    funding_times,
    health_of,
    is_liquidated,
    liquidation_price,
    margin_used,
    stage_of,
)

values = st.decimals(D("0.01"), D(1_000_000), places=2)
leverages = st.decimals(D("1.01"), D(100), places=2)
signs = st.sampled_from([1, -1])


def test_a_long_of_twice_its_money_is_closed_a_fortieth_below_its_entry_and_a_short_above():
    # 100 x (1 - 0.05 / 2) and 100 x (1 + 0.05 / 2)
    assert liquidation_price(D(100), 1, D(2)) == D("97.5")
    assert liquidation_price(D(100), -1, D(2)) == D("102.5")
    assert liquidation_price(D(100), 1, D(1)) is None
    assert liquidation_price(D(100), 0, D(3)) is None


def test_the_liquidation_price_is_reached_from_the_losing_side():
    assert is_liquidated(D("97.5"), D("97.5"), 1)
    assert not is_liquidated(D("97.51"), D("97.5"), 1)
    assert is_liquidated(D("102.6"), D("102.5"), -1)
    assert not is_liquidated(D("102.4"), D("102.5"), -1)
    assert not is_liquidated(D(1), None, 1)


def test_collateral_is_the_cost_over_the_leverage_whatever_the_side():
    assert collateral(D(300), D(3)) == D(100)
    assert collateral(D(-300), D(2)) == D(150)


def test_health_is_what_backs_a_position_over_what_it_is_worth():
    # 10 at 100 with leverage 4: 250 set aside. At 90 the loss is 100: 150 back 900.
    held = Backing(value=D(900), backing=D(250) - D(100))
    assert held.health == D("0.16666667")
    assert held.used == D("0.3")  # 0.05 x 900 / 150
    assert Backing(value=D(0), backing=D(0)).health == 1
    assert Backing(value=D(900), backing=D(0)).used is None


@pytest.mark.parametrize(
    ("health", "word"),
    [
        ("0.049", Health.CRITICAL), ("0.05", Health.WARNING), ("0.149", Health.WARNING), ("0.15", Health.CAUTION),
        ("0.49", Health.CAUTION), ("0.50", Health.GOOD), ("-1", Health.CRITICAL),
    ],
)  # fmt: skip
def test_health_has_a_word(health, word):
    assert health_of(D(health)) is word


@pytest.mark.parametrize(
    ("used", "stage"),
    [
        ("0.69", MarginStage.FINE), ("0.70", MarginStage.WARN), ("0.79", MarginStage.WARN), ("0.80", MarginStage.CALL),
        ("0.90", MarginStage.CLOSE), ("7", MarginStage.CLOSE),
    ],
)  # fmt: skip
def test_margin_in_use_asks_for_something(used, stage):
    assert stage_of(D(used)) is stage


def test_nothing_left_to_back_a_position_asks_for_its_closing_and_no_position_for_nothing():
    assert stage_of(margin_used([D(100)], D(0))) is MarginStage.CLOSE
    assert stage_of(margin_used([D(100)], D(-5))) is MarginStage.CLOSE
    assert stage_of(margin_used([], D(0))) is MarginStage.FINE


def test_margin_in_use_counts_all_positions_of_the_account():
    assert margin_used([D(600), D(400)], D(80)) == D("0.625")  # 0.05 x 1,000 / 80


@given(values, leverages, signs)
def test_more_leverage_brings_the_liquidation_price_nearer_and_it_lies_on_the_losing_side(entry, leverage, sign):
    price, nearer = liquidation_price(entry, sign, leverage), liquidation_price(entry, sign, leverage + 1)
    assert (entry - price) * sign >= 0
    assert abs(entry - nearer) <= abs(entry - price)


@given(values, leverages)
def test_health_at_the_entry_is_one_over_the_leverage(cost, leverage):
    held = Backing(value=cost, backing=collateral(cost, leverage))
    assert abs(held.health - 1 / leverage) <= D("0.000001")


@given(values, st.decimals(D(0), D(1_000), places=2), st.decimals(D("0.01"), D(1_000), places=2))
def test_a_loss_never_makes_a_position_healthier(value, backing, loss):
    before, after = Backing(value, backing), Backing(value, backing - loss)
    assert after.health <= before.health
    assert after.used is None or after.used >= (before.used or 0)


def test_funding_is_due_three_times_a_day_after_and_not_at_the_begin():
    start = datetime(2024, 3, 1, 8, tzinfo=UTC)
    assert funding_times(start, start + timedelta(hours=7, minutes=59)) == []
    assert funding_times(start, start + timedelta(hours=25)) == [
        datetime(2024, 3, 1, 16, tzinfo=UTC),
        datetime(2024, 3, 2, 0, tzinfo=UTC),
        datetime(2024, 3, 2, 8, tzinfo=UTC),
    ]
    assert funding_times(start - timedelta(seconds=1), start) == [start]
    assert funding_due(D(1_000), D("0.0003"), 3) == D("0.9")


@given(
    st.integers(0, 40_000).map(lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
    st.lists(st.integers(0, 100_000), min_size=1, max_size=8),
)
def test_funding_is_the_same_however_the_time_is_cut_into_pieces(start, seconds):
    pieces, at = [], start
    for length in seconds:
        pieces += funding_times(at, at + timedelta(seconds=length))
        at += timedelta(seconds=length)
    assert pieces == funding_times(start, at)
    assert all(moment.hour in (0, 8, 16) and moment.minute == 0 for moment in pieces)
