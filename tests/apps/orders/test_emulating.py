"""Orders that their venue cannot rest: watched on every price, sent once it is there, never beside their sibling."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from apps.accounts.models import User
from apps.brokers import selectors
from apps.brokers.models import PaperOrder
from apps.orders.models import Order
from apps.orders.services.entry.canceling import order_cancel
from apps.orders.services.market import emulating
from tests.apps.orders.stepped_desk import PLAIN_TRAITS, SteppedDesk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(trader: User, monkeypatch: pytest.MonkeyPatch) -> SteppedDesk:
    """Return a desk at a venue that rests market, limit, stop and take-profit orders and nothing else."""
    monkeypatch.setattr(selectors, "PAPER_TRAITS", PLAIN_TRAITS)
    return SteppedDesk(trader)


def kinds(order: Order) -> list[str]:
    return list(order.events.order_by("version").values_list("kind", flat=True))


def at_venue(order: Order) -> PaperOrder | None:
    return PaperOrder.objects.filter(client_order_id=order.client_order_id).first()


def test_a_trailing_stop_follows_every_price_and_is_sent_as_a_market_order(desk: SteppedDesk) -> None:
    desk.hold()
    order = desk.place("sell", "5", "trailing_stop", trail_amount="4", reduce_only=True)
    assert (order.status, at_venue(order)) == ("held", None)
    for price, stop in (("100", "96"), ("107", "103"), ("104", "103"), ("109.5", "105.5"), ("105.51", "105.5")):
        desk.tick(price)
        order = desk.order(order)
        assert (order.status, order.stop_price) == ("held", D(stop))
    assert order.best_price == D("109.5")
    desk.tick("105.5")
    order = desk.order(order)
    assert (order.status, kinds(order)[-1]) == ("pending", "triggered")
    desk.settle()
    sent = at_venue(order)
    assert sent is not None
    assert (sent.type, sent.stop_price, sent.quantity) == ("market", None, D(5))
    desk.flat_bar("105")
    assert (desk.position.closed_at is not None, desk.position.realized_pnl) == (True, D(25))


def test_what_fails_for_one_order_lets_the_others_see_the_price(
    desk: SteppedDesk, other_trader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = SteppedDesk(other_trader)
    waiting = [
        each.place("buy", "1", "stop_limit", stop_price="102", limit_price="103") for each in (desk, other, desk)
    ]
    triggers = emulating.order_trigger

    def fails_for_one(*, order: Order, **how: Any) -> Order:
        if order.pk == waiting[0].pk:
            raise ZeroDivisionError
        return triggers(order=order, **how)

    with monkeypatch.context() as broken:
        broken.setattr(emulating, "order_trigger", fails_for_one)
        desk.tick("102")
    assert [desk.order(order).status for order in waiting] == ["held", "pending", "pending"]
    desk.tick("102")
    assert desk.order(waiting[0]).status == "pending"


def test_a_stop_limit_is_sent_as_a_limit_order_at_its_limit(desk: SteppedDesk) -> None:
    order = desk.place("buy", "1", "stop_limit", stop_price="102", limit_price="103")
    desk.tick("101.99")
    assert desk.order(order).status == "held"
    desk.tick("102")
    desk.settle()
    sent = at_venue(order)
    assert sent is not None
    assert (sent.type, sent.limit_price, sent.stop_price) == ("limit", D(103), None)


def test_the_same_price_twice_sends_once(desk: SteppedDesk) -> None:
    desk.hold()
    order = desk.place("sell", "5", "trailing_stop", trail_percent="2", reduce_only=True)
    for price in ("100", "97", "97", "96"):
        desk.tick(price)
        desk.settle()
    assert kinds(desk.order(order)).count("triggered") == 1
    assert PaperOrder.objects.filter(client_order_id=order.client_order_id).count() == 1


def test_a_candle_triggers_by_its_range_only_what_was_there_when_it_opened(desk: SteppedDesk) -> None:
    desk.hold()
    order = desk.place("sell", "5", "trailing_stop", trail_amount="4", reduce_only=True)
    desk.tick("100")
    desk.bar("100", "101", "95", "100")  # It was made on the clock, long after this candle opened.
    assert desk.order(order).status == "held"
    Order.objects.filter(pk=order.pk).update(created_at=desk.now - timedelta(minutes=1))
    desk.bar("100", "101", "97.01", "100")
    assert desk.order(order).status == "held"  # The high of 101 moves its stop to 97 after the low has passed.
    desk.bar("100", "101", "96.9", "100")
    assert desk.order(order).status in ("pending", "submitted", "open", "filled")


def test_an_order_past_its_time_expires_and_is_never_sent(desk: SteppedDesk) -> None:
    order = desk.place("buy", "1", "stop_limit", stop_price="102", limit_price="103")
    Order.objects.filter(pk=order.pk).update(expires_at=desk.now)
    desk.tick("105")
    assert (desk.order(order).status, at_venue(order)) == ("expired", None)


def test_a_target_goes_only_once_the_venue_has_ended_the_stop(desk: SteppedDesk) -> None:
    desk.hold(stop_loss="95", take_profit="110")
    desk.settle()
    stop, target = desk.orders(role="stop_loss")[0], desk.orders(role="take_profit")[0]
    assert (stop.status, target.status) == ("open", "held")
    desk.tick("110")
    stop, target = desk.order(stop), desk.order(target)
    assert (target.status, at_venue(target)) == ("held", None)
    assert stop.cancel_requested_at is not None
    desk.tick("109")  # The price has left again: what has triggered goes all the same.
    desk.settle()
    desk.settle()
    assert (desk.order(stop).status, desk.order(target).status) == ("canceled", "open")
    sent = at_venue(target)
    assert sent is not None
    assert sent.type == "market"
    desk.flat_bar("109")
    assert desk.position.realized_pnl == D(45)
    assert desk.position.closed_at is not None


def test_a_target_stays_unsent_where_the_stop_was_filled_first(desk: SteppedDesk) -> None:
    desk.hold(stop_loss="95", take_profit="110")
    desk.settle()
    target = desk.orders(role="take_profit")[0]
    desk.bar("96", "96", "94", "94")
    desk.tick("110")
    desk.settle()
    assert (desk.order(target).status, at_venue(target)) == ("canceled", None)
    assert (desk.position.quantity, desk.position.realized_pnl) == (D(0), D(-25))


def test_a_canceled_order_sees_no_more_prices(desk: SteppedDesk) -> None:
    order = desk.place("buy", "1", "stop_limit", stop_price="102", limit_price="103")
    order_cancel(order=order, actor=desk.owner)
    desk.tick("105")
    assert desk.order(order).status == "canceled"


def test_two_orders_without_a_group_leave_each_other_alone(desk: SteppedDesk) -> None:
    first = desk.place("buy", "1", "stop_limit", stop_price="102", limit_price="103")
    second = desk.place("buy", "1", "limit", limit_price="90")
    desk.tick("102")
    desk.settle()
    assert (desk.order(first).status, desk.order(second).status) == ("open", "open")


def test_a_replay_watches_nothing(desk: SteppedDesk) -> None:
    order = desk.place("buy", "1", "stop_limit", stop_price="102", limit_price="103")
    desk.portfolio.is_simulation = True
    desk.portfolio.save()
    desk.tick("105")
    assert desk.order(order).status == "held"
