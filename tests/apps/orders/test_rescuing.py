"""Stops and targets without a working order: the platform closes the position itself, once."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from apps.accounts.models import User
from apps.alerts.models import Alert
from apps.orders.models import Order
from apps.orders.services.entry.canceling import order_cancel
from apps.orders.services.holdings import rescuing
from apps.orders.services.holdings.rescuing import protection_watch
from apps.portfolio.models import Position
from tests.apps.orders.stepped_desk import SteppedDesk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(trader: User) -> SteppedDesk:
    return SteppedDesk(trader)


def unguarded(desk: SteppedDesk) -> None:
    """Enter with a stop and a target, and lose both at the venue."""
    desk.hold(stop_loss="95", take_profit="110")
    desk.settle()
    Order.objects.filter(role__in=["stop_loss", "take_profit"]).update(status="rejected", reason_code="venue")


def test_a_price_within_a_candle_closes_an_unguarded_position_at_its_stop_and_only_once(desk: SteppedDesk) -> None:
    unguarded(desk)
    desk.tick("95.01")
    assert desk.orders(role="stop_loss", type="market") == []
    desk.tick("95")
    desk.tick("94")
    (order,) = desk.orders(role="stop_loss", type="market")
    assert (order.side, order.quantity, order.reduce_only) == ("sell", D(5), True)
    assert order.metadata == {"cause": "stop-95"}
    desk.settle()
    desk.tick("93")
    desk.flat_bar("94")
    desk.tick("90")
    assert desk.orders(role="stop_loss", type="market") == [desk.order(order)]
    assert (desk.position.quantity, desk.position.realized_pnl) == (D(0), D(-30))


def test_a_short_is_closed_at_its_target_from_above(desk: SteppedDesk) -> None:
    desk.hold("sell", stop_loss="105", take_profit="90")
    desk.settle()
    Order.objects.filter(role__in=["stop_loss", "take_profit"]).update(status="rejected", reason_code="venue")
    desk.tick("90.01")
    assert desk.orders(role="take_profit", type="market") == []
    desk.tick("90")
    (order,) = desk.orders(role="take_profit", type="market")
    assert (order.side, order.quantity) == ("buy", D(5))


def test_a_stop_that_works_is_left_to_its_work(desk: SteppedDesk) -> None:
    desk.hold(stop_loss="95", take_profit="110")
    desk.settle()
    desk.tick("90")
    assert desk.orders(type="market", role="stop_loss") == []
    desk.bar("94", "94", "90", "91")
    assert (desk.position.quantity, desk.position.realized_pnl) == (D(0), D(-30))
    assert len(desk.orders()) == 3


def test_what_fails_for_one_position_leaves_no_other_unprotected(
    desk: SteppedDesk, other_trader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = SteppedDesk(other_trader)
    unguarded(desk)
    unguarded(other)
    exits = rescuing.position_exit

    def fails_for_one(*, position: Position, **how: Any) -> Order | None:
        if position.portfolio_id == min(desk.portfolio.pk, other.portfolio.pk):  # The one that comes first.
            raise ZeroDivisionError
        return exits(position=position, **how)

    with monkeypatch.context() as broken:
        broken.setattr(rescuing, "position_exit", fails_for_one)
        desk.tick("95")
    assert sum(len(each.orders(role="stop_loss", type="market")) for each in (desk, other)) == 1
    desk.tick("94.5")
    assert all(len(each.orders(role="stop_loss", type="market")) == 1 for each in (desk, other))


def test_what_a_working_stop_covers_is_not_closed_twice(desk: SteppedDesk) -> None:
    desk.hold(stop_loss="95")
    desk.settle()
    Order.objects.filter(role="stop_loss").update(quantity=D(2))
    desk.tick("95")
    (order,) = desk.orders(role="stop_loss", type="market")
    assert order.quantity == D(3)


def test_who_cancels_a_stop_by_hand_goes_on_without(desk: SteppedDesk) -> None:
    desk.hold(stop_loss="95")
    desk.settle()
    order_cancel(order=desk.orders(role="stop_loss")[0], actor=desk.owner)
    desk.settle()
    desk.tick("90")
    protection_watch()
    assert desk.orders(type="market", role="stop_loss") == []
    assert not Alert.objects.filter(code="position_unprotected").exists()


def test_the_platform_gives_up_after_five_tries_and_says_so_by_its_alert(desk: SteppedDesk) -> None:
    unguarded(desk)
    for _ in range(8):
        desk.tick("94")
        Order.objects.filter(type="market", role="stop_loss").update(status="rejected", reason_code="venue")
    assert len(desk.orders(type="market", role="stop_loss")) == 5
    protection_watch()
    alert = Alert.objects.get(code="position_unprotected")
    assert (alert.owner, alert.severity) == (desk.owner, "critical")


def test_a_stop_that_covers_a_part_only_is_told_of_and_the_rest_is_closed_at_its_price(desk: SteppedDesk) -> None:
    desk.hold(stop_loss="95", take_profit="110")
    desk.settle()
    Order.objects.filter(role="stop_loss").update(quantity=D(3))
    Order.objects.filter(role="take_profit").update(quantity=D(3))
    protection_watch()
    alert = Alert.objects.get(code="position_unprotected")
    assert alert.message.startswith("The stop loss of 2 of 5 long BTC/USD in Main has no working order.")
    assert alert.severity == "warning"
    desk.tick("95")
    (order,) = desk.orders(role="stop_loss", type="market")
    assert order.quantity == D(2)
    protection_watch()  # Now it is on its way out.
    assert not Alert.objects.get(code="position_unprotected").is_open


def test_the_alert_names_what_is_missing_and_ends_with_its_cause(desk: SteppedDesk) -> None:
    desk.hold(stop_loss="95", take_profit="110")
    desk.settle()
    protection_watch()
    assert not Alert.objects.filter(code="position_unprotected").exists()
    Order.objects.filter(role="stop_loss").update(status="rejected", reason_code="venue")
    protection_watch()
    alert = Alert.objects.get(code="position_unprotected")
    assert alert.message.startswith("The stop loss of long BTC/USD in Main has no working order.")
    desk.position.__class__.objects.update(stop_loss=None)
    protection_watch()
    alert.refresh_from_db()
    assert alert.resolved_at is not None


def test_a_candle_that_came_too_late_closes_nothing(desk: SteppedDesk) -> None:
    from apps.orders.services.market.watching import Tick, price_seen

    unguarded(desk)
    seen = Tick(D(90), desk.now).seen
    marked = price_seen(instrument=desk.instrument, seen=seen, is_current=False)
    assert [position.mark_price for position in marked] == [D(90)]
    assert desk.orders(type="market", role="stop_loss") == []
