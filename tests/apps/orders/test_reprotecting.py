"""Changing what protects a position: old orders end before new ones begin, and what none covers gets its own."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from algotrendy.trading.errors import InvalidOrder
from apps.accounts.models import Action, AuditEvent, User
from apps.brokers import selectors
from apps.brokers.models import PaperOrder
from apps.orders.services.holdings.closing import PositionClosed
from apps.orders.services.holdings.reprotecting import position_protect
from tests.apps.orders.stepped_desk import PLAIN_TRAITS, SteppedDesk
from tests.builders import MARKET_TIME, make_position
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(trader: User) -> SteppedDesk:
    return SteppedDesk(trader)


def working(desk: SteppedDesk) -> list[tuple[str, str, str, D | None, D]]:
    rows = desk.orders(role__in=["stop_loss", "take_profit"], status__in=["held", "pending", "submitted", "open"])
    return [(order.role, order.type, order.status, order.stop_price, order.quantity) for order in rows]


def test_a_new_stop_waits_for_the_end_of_the_old_one(desk: SteppedDesk) -> None:
    desk.hold(stop_loss="95", take_profit="110")
    desk.settle()
    old = desk.orders(role="stop_loss")[0]
    position = position_protect(position=desk.position, actor=desk.owner, stop_loss=D(97))
    assert (position.stop_loss, position.take_profit) == (D(97), D(110))
    new = desk.orders(role="stop_loss")[1]
    assert (new.replaces_id, new.status, new.oco_group) == (old.pk, "held", old.oco_group)
    desk.settle()
    desk.settle()
    assert working(desk) == [
        ("take_profit", "take_profit", "open", D(110), D(5)),
        ("stop_loss", "stop", "open", D(97), D(5)),
    ]
    desk.bar("98", "98", "96", "96")
    assert (desk.position.realized_pnl, desk.position.quantity) == (D(-15), D(0))
    assert working(desk) == []
    assert AuditEvent.objects.get(action=Action.POSITION_PROTECTED).target_id == str(position.pk)


def test_the_same_again_changes_nothing(desk: SteppedDesk) -> None:
    desk.hold(stop_loss="95", take_profit="110")
    desk.settle()
    before = len(desk.orders())
    position_protect(position=desk.position, actor=desk.owner, stop_loss=D(95), take_profit=D(110))
    assert len(desk.orders()) == before
    position_protect(position=desk.position, actor=desk.owner, stop_loss=D(96))
    position_protect(position=desk.position, actor=desk.owner, stop_loss=D(97))  # Changed while it waits.
    assert len(desk.orders()) == before + 1
    desk.settle()
    desk.settle()
    assert ("stop_loss", "stop", "open", D(97), D(5)) in working(desk)


def test_an_unprotected_position_gets_a_pair_of_which_one_ends_the_other(desk: SteppedDesk) -> None:
    desk.hold()
    position_protect(position=desk.position, actor=desk.owner, stop_loss=D(95), take_profit=D(110))
    stop, target = desk.orders(role="stop_loss")[0], desk.orders(role="take_profit")[0]
    assert stop.oco_group == target.oco_group != ""
    desk.settle()
    desk.bar("100", "111", "100", "110")
    assert [order.status for order in desk.orders(role__in=["stop_loss", "take_profit"])] == ["canceled", "filled"]
    assert desk.position.realized_pnl == D(50)


def test_null_takes_protection_away(desk: SteppedDesk) -> None:
    desk.hold(stop_loss="95", take_profit="110")
    desk.settle()
    position = position_protect(position=desk.position, actor=desk.owner, stop_loss=None)
    desk.settle()
    assert (position.stop_loss, position.take_profit) == (None, D(110))
    assert [row[0] for row in working(desk)] == ["take_profit"]
    desk.tick("80")
    assert desk.orders(type="market", role="stop_loss") == []


def test_a_trail_takes_the_place_of_a_short_positions_stop(desk: SteppedDesk) -> None:
    desk.hold("sell", stop_loss="105")
    desk.settle()
    position = position_protect(position=desk.position, actor=desk.owner, trail_percent=D(3))
    assert position.stop_loss == D(103)
    desk.settle()
    (row,) = working(desk)
    assert row[:2] == ("stop_loss", "trailing_stop")
    order = desk.orders(type="trailing_stop")[0]
    assert (order.side, order.trail_percent, order.best_price) == ("buy", D(3), D(100))


def test_at_a_venue_without_groups_only_the_stop_of_a_pair_rests(
    desk: SteppedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "PAPER_TRAITS", PLAIN_TRAITS)
    desk.hold(take_profit="110")
    desk.settle()
    assert working(desk) == [("take_profit", "take_profit", "open", D(110), D(5))]
    position_protect(position=desk.position, actor=desk.owner, stop_loss=D(95))
    for _ in range(3):
        desk.settle()
    assert sorted(working(desk)) == [
        ("stop_loss", "stop", "open", D(95), D(5)),
        ("take_profit", "take_profit", "held", D(110), D(5)),
    ]
    assert PaperOrder.objects.filter(status="open").count() == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"stop_loss": D(100)}, "stop_loss_wrong_side"),
        ({"stop_loss": D(101)}, "stop_loss_wrong_side"),
        ({"take_profit": D(99)}, "take_profit_wrong_side"),
        ({"stop_loss": D("95.001")}, "stop_price_off_tick"),
        ({"stop_loss": D(95), "trail_amount": D(2)}, "stop_loss_and_trail"),
        ({}, "nothing_to_change"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    desk: SteppedDesk, changes: dict[str, D], code: str
) -> None:
    desk.hold(stop_loss="95")
    with pytest.raises(InvalidOrder) as refusal:
        position_protect(position=desk.position, actor=desk.owner, **changes)
    assert refusal.value.code == code
    assert desk.position.stop_loss == D(95)
    assert len(desk.orders(role="stop_loss")) == 1


def test_a_closed_position_cannot_be_protected(desk: SteppedDesk) -> None:
    closed = make_position(desk.portfolio, quantity=D(0), closed_at=MARKET_TIME)
    with pytest.raises(PositionClosed):
        position_protect(position=closed, actor=desk.owner, stop_loss=D(95))


def test_the_api_sets_and_takes_away(desk: SteppedDesk, client_for: ClientFor, viewer: User) -> None:
    desk.hold()
    client, url = client_for(desk.owner), f"/api/positions/{desk.position.pk}/protection"
    answer = client.patch(url, {"stop_loss": "95", "take_profit": "110"}, format="json")
    assert (answer.status_code, answer.json()["stop_loss"], answer.json()["take_profit"]) == (200, "95", "110")
    assert client.patch(url, {"take_profit": None}, format="json").json()["take_profit"] is None
    assert client.patch(url, {}, format="json").status_code == 400
    assert client_for(viewer).patch(url, {"stop_loss": "95"}, format="json").status_code == 403
    shown = client.get(f"/api/positions/{desk.position.pk}").json()
    assert (shown["stop_loss"], shown["margin_health"], shown["margin_state"], shown["leverage"]) == (
        "95",
        "1",
        "good",
        "1",
    )
    levered = client.post(f"/api/positions/{desk.position.pk}/leverage", {"leverage": "2"}, format="json")
    assert (levered.status_code, levered.json()["liquidation_price"]) == (200, "97.5")
    refused = client.post(f"/api/positions/{desk.position.pk}/leverage", {"leverage": "5"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "leverage_not_allowed")
