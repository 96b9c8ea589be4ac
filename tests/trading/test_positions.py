"""Positions: worked examples by hand, and the laws that any sequence of fills obeys."""

from decimal import Decimal as D
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from algotrendy.trading.positions import PositionState
from algotrendy.trading.values import PositionSide, Side, quantize

amounts = st.decimals(D("0.00000001"), D(1_000_000), places=8, allow_nan=False, allow_infinity=False)
prices = st.decimals(D("0.00001"), D(100_000), places=5, allow_nan=False, allow_infinity=False)
fees = st.decimals(D(0), D(100), places=8, allow_nan=False, allow_infinity=False)
fills = st.lists(st.tuples(st.sampled_from(Side), amounts, prices, fees), max_size=30)


def fill(state, side, quantity, price):
    return state.apply(side, D(quantity), D(quantity) * D(price))


def test_a_second_buy_averages_the_entry():
    state = fill(PositionState(), Side.BUY, "2", "100").after
    state = fill(state, Side.BUY, "1", "130").after
    assert state == PositionState(D(3), D(330))
    assert state.average_price() == D(110)
    assert state.side is PositionSide.LONG


def test_a_partial_close_realizes_its_share_and_keeps_the_entry():
    state = fill(PositionState(), Side.BUY, "4", "100").after
    applied = fill(state, Side.SELL, "1", "120")
    assert applied.realized == D(20)
    assert applied.closed == D(1)
    assert applied.opened == 0
    assert applied.after == PositionState(D(3), D(300))


def test_a_short_earns_when_the_price_falls():
    state = fill(PositionState(), Side.SELL, "5", "20").after
    assert state == PositionState(D(-5), D(-100))
    assert state.average_price() == D(20)
    applied = fill(state, Side.BUY, "5", "18")
    assert applied.realized == D(10)
    assert applied.after == PositionState(D(0), D(0))


def test_a_flip_closes_and_opens_the_other_side_at_the_fill_price():
    state = fill(PositionState(), Side.BUY, "2", "100").after
    applied = fill(state, Side.SELL, "5", "90")
    assert applied.realized == D(-20)
    assert (applied.closed, applied.opened, applied.opened_value) == (D(2), D(3), D(270))
    assert applied.after == PositionState(D(-3), D(-270))


def test_the_multiplier_of_a_contract_is_not_part_of_its_price():
    state = PositionState().apply(Side.BUY, D(2), D(2) * D(1640) * D(50)).after
    assert state.average_price(D(50)) == D(1640)


@given(fills)
def test_cash_and_cost_are_conserved_less_fees_for_any_sequence_of_fills(sequence):
    cash, realized, paid, state = D(0), D(0), D(0), PositionState()
    for side, quantity, price, fee in sequence:
        value = quantize(price * quantity)
        applied = state.apply(side, quantity, value)
        cash -= side.sign * value + fee
        paid += fee
        realized += applied.realized
        state = applied.after
        assert cash + state.cost_basis == realized - paid
        assert applied.closed + applied.opened == quantity


@given(fills, prices)
def test_equity_is_initial_cash_plus_realized_plus_unrealized_less_fees(sequence, mark):
    initial = D(10_000)
    cash, realized, paid, state = initial, D(0), D(0), PositionState()
    for side, quantity, price, fee in sequence:
        value = quantize(price * quantity)
        applied = state.apply(side, quantity, value)
        cash -= side.sign * value + fee
        realized, paid, state = realized + applied.realized, paid + fee, applied.after
    worth = quantize(mark * state.quantity)
    assert cash + worth == initial + realized + (worth - state.cost_basis) - paid


@given(fills)
def test_quantity_is_the_sum_of_the_fills_and_a_flat_position_has_no_cost(sequence):
    state = PositionState()
    for side, quantity, price, _ in sequence:
        state = state.apply(side, quantity, quantize(price * quantity)).after
    assert state.quantity == sum((side.sign * quantity for side, quantity, _, _ in sequence), D(0))
    if state.quantity == 0:
        assert state.cost_basis == 0
    else:
        assert (state.cost_basis >= 0) == (state.quantity > 0) or state.cost_basis == 0


@given(fills)
def test_realized_profit_agrees_with_exact_average_cost_accounting(sequence):
    """A ledger in exact fractions, which knows nothing of rounding, comes to the same within a cent of a cent."""
    state, realized = PositionState(), D(0)
    quantity, cost, exact = Fraction(0), Fraction(0), Fraction(0)
    for side, size, price, _ in sequence:
        value = quantize(price * size)
        applied = state.apply(side, size, value)
        state, realized = applied.after, realized + applied.realized
        signed, paid = Fraction(side.sign) * Fraction(size), Fraction(value)
        closing = min(abs(signed), abs(quantity)) if quantity * signed < 0 else Fraction(0)
        if closing:
            share = cost * closing / abs(quantity)
            exact += -side.sign * paid * closing / abs(signed) - share
            cost -= share
        cost += side.sign * paid * (abs(signed) - closing) / abs(signed)
        quantity += signed
    assert abs(Fraction(realized) - exact) <= Fraction(len(sequence) * 2, 10**6)
