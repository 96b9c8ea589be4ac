"""Closing positions by hand: all of one, a part, or all at once; each request counts once."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from apps.accounts.models import Action, AuditEvent, User
from apps.orders.models import Order
from apps.orders.services.entry.repeating import ClientOrderIdReused
from apps.orders.services.holdings.closing import CloseTooLarge, PositionClosed, position_close, positions_close
from tests.apps.orders.stepped_desk import SteppedDesk
from tests.builders import make_instrument, make_portfolio, make_position
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(trader: User) -> SteppedDesk:
    return SteppedDesk(trader)


def test_closing_a_part_realizes_its_share_and_shrinks_the_protection(desk: SteppedDesk) -> None:
    desk.hold(stop_loss="95", take_profit="110")
    placement = position_close(position=desk.position, actor=desk.owner, quantity=D(2))
    assert (placement.order.role, placement.order.quantity, placement.order.reduce_only) == ("exit", D(2), True)
    desk.settle()
    desk.flat_bar("104")
    desk.settle()
    position = desk.position
    assert (position.quantity, position.realized_pnl, position.closed_at) == (D(3), D(8), None)
    assert [order.quantity for order in desk.orders(role__in=["stop_loss", "take_profit"])] == [D(3), D(3)]
    desk.bar("95", "95", "94", "94")
    assert (desk.position.quantity, desk.position.realized_pnl) == (D(0), D(8) - D(15))


def test_more_than_is_held_cannot_be_closed(desk: SteppedDesk) -> None:
    with pytest.raises(CloseTooLarge, match="holds 5"):
        position_close(position=desk.hold(), actor=desk.owner, quantity=D("5.0001"))
    assert desk.orders(role="exit") == []


def test_the_same_id_returns_the_first_order_also_when_all_is_closed(desk: SteppedDesk) -> None:
    position = desk.hold()
    first = position_close(position=position, actor=desk.owner, client_order_id="mine")
    desk.settle()
    desk.flat_bar("100")
    again = position_close(position=desk.position, actor=desk.owner, client_order_id="mine")
    assert (again.order.pk, again.is_new) == (first.order.pk, False)
    with pytest.raises(ClientOrderIdReused):
        position_close(position=desk.position, actor=desk.owner, client_order_id="mine", quantity=D(1))
    with pytest.raises(PositionClosed):
        position_close(position=desk.position, actor=desk.owner)


def test_closing_all_places_one_order_for_each_and_once_for_each_key(desk: SteppedDesk) -> None:
    desk.hold()
    make_position(desk.portfolio, book="other", quantity=D(-2), entry_price=D(100))
    closing = positions_close(actor=desk.owner, key="all-1")
    assert sorted((order.book, order.side, order.quantity) for order in closing.orders) == [
        ("manual", "sell", D(5)),
        ("other", "buy", D(2)),
    ]
    assert (closing.failed, closing.is_new) == ([], True)
    again = positions_close(actor=desk.owner, key="all-1")
    assert ({order.pk for order in again.orders}, again.is_new) == ({order.pk for order in closing.orders}, False)
    assert len(desk.orders(role="exit")) == 2
    with pytest.raises(ClientOrderIdReused):
        positions_close(actor=desk.owner, key="all-1", book="manual")
    event = AuditEvent.objects.get(action=Action.POSITIONS_CLOSED)
    assert len(event.details["orders"]) == 2


def test_a_key_that_found_nothing_closes_nothing_later_either(desk: SteppedDesk) -> None:
    assert positions_close(actor=desk.owner, key="early").orders == []
    desk.hold()
    assert positions_close(actor=desk.owner, key="early").orders == []
    assert desk.orders(role="exit") == []


def test_what_cannot_be_closed_is_told_of_and_leaves_the_others_alone(desk: SteppedDesk) -> None:
    desk.hold()
    idle = make_instrument("ETH/USD", is_active=False)
    stuck = make_position(desk.portfolio, instrument=idle)
    closing = positions_close(actor=desk.owner, key="k")
    assert len(closing.orders) == 1
    assert [(each.position.pk, each.code) for each in closing.failed] == [(stuck.pk, "no_market_price")]
    again = positions_close(actor=desk.owner, key="k")
    assert [(each.position.pk, each.code) for each in again.failed] == [(stuck.pk, "no_market_price")]


def test_filters_leave_the_rest_open_and_an_administrator_closes_their_own_only(desk: SteppedDesk, admin: User) -> None:
    desk.hold()
    make_position(desk.portfolio, book="other")
    assert positions_close(actor=admin, key="a").orders == []
    (order,) = positions_close(actor=desk.owner, key="b", book="other", instrument=desk.instrument).orders
    assert order.book == "other"
    second = make_portfolio(desk.owner, "Second")
    assert positions_close(actor=desk.owner, key="c", portfolio=second).orders == []
    assert len(positions_close(actor=admin, key="d", portfolio=desk.portfolio).orders) == 2


def test_the_api_closes_a_part_and_all_once_for_each_key(desk: SteppedDesk, client_for: ClientFor) -> None:
    desk.hold()
    client = client_for(desk.owner)
    url, key = f"/api/positions/{desk.position.pk}/close", {"Idempotency-Key": "part-1"}
    first = client.post(url, {"quantity": "2"}, format="json", headers=key)
    again = client.post(url, {"quantity": "2"}, format="json", headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert client.post(url, {"quantity": "3"}, format="json", headers=key).status_code == 409
    assert client.post(url, {"quantity": "9"}, format="json").json()["code"] == "close_too_large"
    assert client.post("/api/positions/close-all", {}, format="json").status_code == 400
    body = {"client_order_id": "all-1", "symbol": "BTC/USD"}
    closed = client.post("/api/positions/close-all", body, format="json")
    assert (closed.status_code, len(closed.json()["orders"])) == (201, 1)
    assert client.post("/api/positions/close-all", body, format="json").status_code == 200
    assert Order.objects.filter(role="exit").count() == 2


def test_anothers_position_is_neither_shown_nor_closed(
    desk: SteppedDesk, other_trader: User, client_for: ClientFor
) -> None:
    position = desk.hold()
    client = client_for(other_trader)
    assert client.get(f"/api/positions/{position.pk}").status_code == 404
    assert client.post(f"/api/positions/{position.pk}/close", {}, format="json").status_code == 404
    patch = client.patch(f"/api/positions/{position.pk}/protection", {"stop_loss": "90"}, format="json")
    assert patch.status_code == 404
    assert client.get(f"/api/portfolios/{desk.portfolio.pk}/ledger").status_code == 404
    client.post("/api/positions/close-all", {"client_order_id": "x"}, format="json")
    assert desk.orders(role="exit") == []
