"""What the account looks like to the risk check: ceilings, allow-list, order rate, price band, orders that wait."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from algotrendy.trading.orders import OrderIntent, OrderStatus
from algotrendy.trading.risk import Approved
from algotrendy.trading.values import OrderType, Side
from apps.orders.models import Order
from apps.orders.services.entry.exposure import risk_check
from apps.orders.services.entry.placing import OrderDenied
from apps.portfolio.models import PlatformLimits, Portfolio, RiskProfile
from tests.apps.orders.stepper import Stepper
from tests.builders import make_candles_rows, make_instrument, make_order, make_position

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(trader):
    return Stepper(trader)


def limit(desk, **limits):
    RiskProfile.objects.filter(portfolio=desk.portfolio).update(**limits)


def denied(desk, **order):
    with pytest.raises(OrderDenied) as caught:
        desk.commit(**order)
    return caught.value.code, caught.value.figures["actual"], caught.value.figures["limit"]


def test_an_instrument_that_is_not_chosen_is_not_opened_and_still_closed(desk):
    profile = RiskProfile.objects.get(portfolio=desk.portfolio)
    profile.allowed_instruments.set([make_instrument("ETH/USD")])
    assert denied(desk) == ("instrument_not_allowed", "BTC/USD", "ETH/USD")
    make_position(desk.portfolio)
    assert desk.commit("sell", "1").status == "pending"
    profile.allowed_instruments.add(desk.instrument)
    assert desk.commit().status == "pending"


def test_the_order_rate_counts_what_was_placed_in_the_last_minute_and_not_denied(desk):
    limit(desk, max_orders_per_minute=2)
    old = make_order(desk.portfolio, quantity=D("0.1"))
    Order.objects.filter(pk=old.pk).update(created_at=old.created_at - timedelta(seconds=61))
    make_order(desk.portfolio, status="denied")
    make_order(desk.portfolio, role="stop_loss", reduce_only=True)
    make_order(desk.portfolio, quantity=D("0.1"), status="filled", filled_quantity=D("0.1"))
    assert desk.commit(quantity="0.1").status == "pending"
    assert denied(desk, quantity="0.1") == ("order_rate", "2", "2")
    limit(desk, max_orders_per_minute=0)
    assert desk.commit(quantity="0.1").status == "pending"


def test_a_price_off_the_last_one_is_denied(desk):
    limit(desk, price_band_percent=D(10))
    assert denied(desk, kind="limit", limit_price="89.99")[:2] == ("price_band", "10.01000000")
    assert desk.commit(kind="limit", limit_price="90").status == "pending"
    limit(desk, price_band_percent=D(0))
    assert desk.commit(kind="limit", limit_price="1", quantity="20").status == "pending"


def test_exposure_in_all_books_is_held_against_leverage(desk):
    limit(desk, max_leverage=D(1), max_total_exposure_percent=D(500))
    make_position(desk.portfolio, book="other", quantity=D(60))  # 6,000 beside 10,000 of cash: equity 16,000
    Portfolio.objects.filter(pk=desk.portfolio.pk).update(cash=D(4_000))  # paid for: equity 10,000
    code, *figures = denied(desk, quantity="40.0001")
    assert (code, *map(D, figures)) == ("max_leverage", D("10000.01"), D(10_000))
    assert desk.commit(quantity="40").status == "pending"


def test_the_platforms_ceiling_holds_where_it_is_stricter(desk):
    PlatformLimits.objects.create(max_order_size=D(300))
    assert denied(desk, quantity="3.0001")[0] == "max_order_size"
    limit(desk, enabled=False)
    assert denied(desk, quantity="3.0001")[0] == "max_order_size"
    PlatformLimits.objects.update(max_order_size=None)
    assert desk.commit(quantity="90").status == "pending"


def test_a_simulation_knows_neither_rate_nor_band(desk):
    Portfolio.objects.filter(pk=desk.portfolio.pk).update(is_simulation=True)
    desk.portfolio.refresh_from_db()
    limit(desk, max_orders_per_minute=1, price_band_percent=D(1))
    for _ in range(3):
        assert desk.commit(kind="limit", limit_price="50").status == "pending"


def test_of_an_order_and_the_one_in_its_place_only_the_greater_counts(desk):
    first = make_order(desk.portfolio, quantity=D(40), filled_quantity=D(10), status=OrderStatus.PARTIALLY_FILLED)
    make_order(desk.portfolio, quantity=D(60), status=OrderStatus.HELD, replaces=first)
    # The successor wants 60, of which 10 are filled: 50 at 100 are 5,000. With them fit 5,000 more and not a step.
    assert denied(desk, quantity="50.0001")[:2] == ("max_position_size", "10000.01000000")
    assert desk.commit(quantity="50").status == "pending"


def test_a_successor_whose_predecessor_has_ended_counts_by_itself(desk):
    first = make_order(desk.portfolio, quantity=D(40), status=OrderStatus.CANCELED)
    make_order(desk.portfolio, quantity=D(60), status=OrderStatus.HELD, replaces=first)
    assert denied(desk, quantity="40.0001")[0] == "max_position_size"
    assert desk.commit(quantity="40").status == "pending"


def test_an_order_in_the_place_of_another_is_judged_as_if_that_were_gone(desk):
    first = make_order(desk.portfolio, quantity=D(90))
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, D(95), limit_price=D(100))
    asked = {"portfolio": desk.portfolio, "instrument": desk.instrument, "book": "manual", "market_price": D(100)}
    assert risk_check(**asked, intent=intent).code == "max_position_size"
    assert risk_check(**asked, intent=intent, instead_of=first) == Approved()


def test_what_waits_for_anothers_fill_counts_unless_it_only_reduces(desk):
    parent = make_order(desk.portfolio, quantity=D(40))
    make_order(desk.portfolio, quantity=D(40), status=OrderStatus.HELD, parent=parent)
    make_order(desk.portfolio, quantity=D(40), status=OrderStatus.HELD, parent=parent, side="sell", reduce_only=True)
    assert denied(desk, quantity="20.0001")[:2] == ("max_position_size", "10000.01000000")
    assert desk.commit(quantity="20").status == "pending"


def test_a_working_order_in_another_instrument_takes_a_slot(desk):
    limit(desk, max_concurrent_positions=1)
    other = make_instrument("ETH/USD")
    make_candles_rows(other, [100])
    make_order(desk.portfolio, instrument=other)
    assert denied(desk) == ("max_concurrent_positions", "1", "1")
