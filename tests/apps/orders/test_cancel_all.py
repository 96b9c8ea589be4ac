"""Canceling every working order at once, or those of a place."""

import pytest

from algotrendy.trading.values import Side
from apps.accounts.models import AuditEvent
from apps.brokers.models import PaperOrder
from apps.orders.models import Order
from apps.orders.services.entry.canceling import orders_cancel
from apps.orders.services.entry.replacing import order_replace
from tests.apps.orders.stepping import Stepped, intent, state
from tests.builders import make_instrument, make_order, make_portfolio, make_strategy

pytestmark = pytest.mark.django_db


def test_all_of_ones_own_orders_end_and_nobody_elses(stepped, other_trader, admin):
    sent, unsent = stepped.place(limit_price="95"), stepped.place(limit_price="94", quantity="1", send=False)
    theirs = Stepped(other_trader).place(limit_price="95")
    simulated = make_order(make_portfolio(stepped.owner, "Replay", is_simulation=True))
    asked = orders_cancel(actor=stepped.owner)
    assert [order.pk for order in asked] == [unsent.pk, sent.pk]
    assert (state(unsent)[0], state(sent)[0]) == ("canceled", "open")
    stepped.settle_all()
    assert state(sent)[0] == "canceled"
    assert (state(theirs)[0], state(simulated)[0]) == ("open", "open")
    assert orders_cancel(actor=admin) == []
    assert AuditEvent.objects.filter(action="orders.cancel_requested").first().details["count"] == 0


@pytest.mark.parametrize("by", ["portfolio", "instrument", "strategy", "side"])
def test_only_what_the_filter_names_ends(by, stepped):
    strategy = make_strategy(stepped.portfolio)
    ether = make_instrument("ETH/USD")
    hit = make_order(stepped.portfolio, strategy=strategy, instrument=ether, side=Side.SELL)
    make_order(make_portfolio(stepped.owner, "Second"))
    wanted = {"portfolio": stepped.portfolio, "instrument": ether, "strategy": strategy, "side": Side.SELL}[by]
    assert [order.pk for order in orders_cancel(actor=stepped.owner, **{by: wanted})] == [hit.pk]


def test_an_administrator_ends_the_orders_of_a_named_portfolio(stepped, admin, other_trader):
    order = stepped.place(limit_price="95")
    assert orders_cancel(actor=other_trader, portfolio=stepped.portfolio) == []
    assert [row.pk for row in orders_cancel(actor=admin, portfolio=stepped.portfolio)] == [order.pk]


def test_nothing_that_waits_goes_when_all_is_canceled(stepped):
    """Neither the successor of a canceled order nor the secondaries of a partly filled primary are let go."""
    order = stepped.place(limit_price="95", quantity="1")
    successor = order_replace(order=order, actor=stepped.owner, limit_price=order.limit_price + 1).order
    primary, second = stepped.link(
        "oto", intent(quantity="2", limit_price="94"), intent("sell", "2", limit_price="110")
    )
    stepped.fill(primary, "1", "94")
    orders_cancel(actor=stepped.owner)
    stepped.settle_all()
    assert {state(row)[0] for row in (order, successor, primary, second)} == {"canceled"}
    assert not PaperOrder.objects.filter(status="open").exists()
    assert not Order.objects.filter(status="pending").exists()
