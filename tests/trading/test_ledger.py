"""The ledger: worked examples by hand, and agreement with a slow one that goes unit by unit."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrendy.trading.ledger import LedgerFill, LedgerMethod, ledger_entries
from algotrendy.trading.positions import PositionState
from algotrendy.trading.values import PositionSide, Side, quantize

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
FIFO, AVERAGE = LedgerMethod.FIFO, LedgerMethod.AVERAGE


def fill(hour, side, quantity, price, fee="0"):
    return LedgerFill(NOON + timedelta(hours=hour), Side(side), D(quantity), D(quantity) * D(price), D(fee))


def rows(fills, method):
    return [
        (entry.side.value, entry.quantity, entry.entry_price(), entry.exit_price(), entry.gross, entry.fees, entry.net)
        for entry in ledger_entries(fills, method)
    ]


TWO_BUYS = [fill(0, "buy", "2", "100", "0.2"), fill(1, "buy", "2", "110", "0.4"), fill(3, "sell", "3", "120", "0.9")]


def test_first_in_first_out_closes_the_oldest_entry_first_and_has_a_row_for_each():
    # 2 of 100 leave at 120: +40, fees 0.2 + 2/3 of 0.9. Then 1 of 110: +10, fees half of 0.4 + 1/3 of 0.9.
    assert rows(TWO_BUYS, FIFO) == [
        ("long", D(2), D(100), D(120), D(40), D("0.8"), D("39.2")),
        ("long", D(1), D(110), D(120), D(10), D("0.5"), D("9.5")),
    ]
    first, second = ledger_entries(TWO_BUYS, FIFO)
    assert (first.holding, second.holding) == (timedelta(hours=3), timedelta(hours=2))


def test_average_cost_closes_against_all_entries_in_one_row():
    # 4 cost 420, so 3 cost 315 and bring 360: +45. Fees: 3/4 of 0.6 and all of 0.9.
    assert rows(TWO_BUYS, AVERAGE) == [("long", D(3), D(105), D(120), D(45), D("1.35"), D("43.65"))]
    (entry,) = ledger_entries(TWO_BUYS, AVERAGE)
    assert (entry.opened_at, entry.closed_at) == (NOON, NOON + timedelta(hours=3))


@pytest.mark.parametrize("method", list(LedgerMethod))
def test_a_flip_closes_what_is_held_and_opens_the_rest_with_its_share_of_the_fee(method):
    # Long 2 at 100, then 5 sold at 90 for a fee of 0.5: -20, fees 0.2 + 2/5 of 0.5. The short of 3 at 90 carries 0.3.
    fills = [fill(0, "buy", "2", "100", "0.2"), fill(1, "sell", "5", "90", "0.5"), fill(5, "buy", "3", "80", "0.6")]
    assert rows(fills, method) == [
        ("long", D(2), D(100), D(90), D(-20), D("0.4"), D("-20.4")),
        ("short", D(3), D(90), D(80), D(30), D("0.9"), D("29.1")),
    ]


@pytest.mark.parametrize("method", list(LedgerMethod))
def test_partial_closes_take_their_shares_and_the_last_takes_what_is_left(method):
    fills = [
        fill(0, "sell", "3", "10", "0.1"),
        fill(1, "buy", "1", "9"),
        fill(2, "buy", "1", "8"),
        fill(3, "buy", "1", "7"),
    ]
    entries = list(ledger_entries(fills, method))
    assert [entry.gross for entry in entries] == [D(1), D(2), D(3)]
    assert [entry.fees for entry in entries] == [D("0.03333333"), D("0.03333334"), D("0.03333333")]
    assert {entry.side for entry in entries} == {PositionSide.SHORT}


def test_a_contracts_multiplier_is_not_part_of_its_price():
    fills = [
        LedgerFill(NOON, Side.BUY, D(2), D(164_000), D(0)),
        LedgerFill(NOON, Side.SELL, D(2), D(165_000), D(0)),
    ]
    (entry,) = ledger_entries(fills, FIFO)
    assert (entry.entry_price(D(50)), entry.exit_price(D(50)), entry.gross) == (D(1640), D(1650), D(1000))


quantities = st.decimals(D("0.001"), D(50), places=3)
prices = st.decimals(D("0.01"), D(1_000), places=2)
fees = st.decimals(D("-1"), D(5), places=4)
sequences = st.lists(st.tuples(st.sampled_from(Side), quantities, prices, fees), max_size=25).map(
    lambda rows: [
        LedgerFill(NOON + timedelta(minutes=minute), side, quantity, quantize(price * quantity), fee)
        for minute, (side, quantity, price, fee) in enumerate(rows)
    ]
)


@given(sequences)
def test_by_average_cost_the_rows_are_what_positions_realize_to_the_last_digit(fills):
    state, realized = PositionState(), []
    for each in fills:
        applied = state.apply(each.side, each.quantity, each.value)
        state = applied.after
        if applied.closed:
            realized.append(applied.realized)
    assert [entry.gross for entry in ledger_entries(fills, AVERAGE)] == realized


@given(sequences, st.sampled_from(LedgerMethod))
def test_nothing_is_lost_once_everything_is_closed(fills, method):
    """Whatever the method: gross is what came in less what went out, and every fee is in some row."""
    held = sum((each.side.sign * each.quantity for each in fills), D(0))
    if held:
        end = Side.SELL if held > 0 else Side.BUY
        fills = [*fills, LedgerFill(NOON + timedelta(days=1), end, abs(held), quantize(abs(held) * 7), D("0.3"))]
    entries = list(ledger_entries(fills, method))
    assert sum((entry.gross for entry in entries), D(0)) == -sum((e.side.sign * e.value for e in fills), D(0))
    assert sum((entry.fees for entry in entries), D(0)) == sum((each.fee for each in fills), D(0))


@given(sequences)
def test_first_in_first_out_agrees_with_a_ledger_of_single_units(fills):
    """The slow one: every thousandth of a unit stands in a queue with its own exact price."""
    queue, expected = [], []
    for each in fills:
        price = each.value / each.quantity
        for _ in range(int(each.quantity * 20)):
            if queue and queue[0][0] != each.side:
                _, entry = queue.pop(0)
                expected.append((price - entry) * -each.side.sign / 20)
            else:
                queue.append((each.side, price))
    coarse = [
        LedgerFill(
            e.at,
            e.side,
            D(int(e.quantity * 20)) / 20,
            quantize(e.value / e.quantity * int(e.quantity * 20) / 20),
            e.fee,
        )
        for e in fills
        if int(e.quantity * 20)
    ]
    found = sum((entry.gross for entry in ledger_entries(coarse, FIFO)), D(0))
    assert abs(found - sum(expected, D(0))) < D("0.0001")
