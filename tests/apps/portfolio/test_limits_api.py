"""Limits by the API: shown with the platform's, changed within them, and on record."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.accounts.models import AuditEvent, User
from apps.accounts.services import api_key_create
from apps.portfolio.models import PlatformLimits, RiskProfile
from tests.builders import make_instrument
from tests.conftest import ClientFor, Desk

PLATFORM = "/api/platform/limits"
DEFAULTS = {
    "enabled": True, "max_position_size_percent": "10", "max_total_exposure_percent": "50",
    "max_concurrent_positions": 5, "min_order_size": "10", "max_order_size": None, "default_stop_loss_percent": "5",
    "default_take_profit_percent": "10", "max_leverage": "3", "price_band_percent": "20", "max_orders_per_minute": 120,
    "allowed_instruments": [], "circuit_breaker": True, "daily_loss_limit_percent": "5", "max_drawdown_percent": "15",
    "cooldown_losses": 3, "cooldown_seconds": 300,
}  # fmt: skip
CEILINGS = (
    "max_position_size_percent", "max_total_exposure_percent", "max_concurrent_positions", "max_order_size",
    "max_leverage", "price_band_percent", "max_orders_per_minute", "daily_loss_limit_percent", "max_drawdown_percent",
)  # fmt: skip


def address(desk: Desk) -> str:
    return f"/api/portfolios/{desk.portfolio.pk}/limits"


def test_limits_are_shown_with_the_platforms(desk: Desk, client_for: ClientFor) -> None:
    PlatformLimits.objects.create(max_leverage=Decimal("2.5"))
    shown = client_for(desk.owner).get(address(desk)).json()
    ceilings = {**dict.fromkeys(CEILINGS), "max_leverage": "2.5"}
    assert shown == {"portfolio": str(desk.portfolio.pk), **DEFAULTS, "platform": ceilings}


def test_what_is_named_changes_what_is_not_stays_and_both_are_on_record(desk: Desk, client_for: ClientFor) -> None:
    make_instrument("ETH/USD")
    wish = {"max_order_size": "250.5", "max_orders_per_minute": 0, "allowed_instruments": ["ETH/USD", "btc/usd"]}
    answer = client_for(desk.owner).patch(address(desk), wish, format="json")
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["max_order_size"], shown["max_orders_per_minute"]) == ("250.5", 0)
    assert sorted(shown["allowed_instruments"]) == ["BTC/USD", "ETH/USD"]
    assert shown["max_leverage"] == "3"
    event = AuditEvent.objects.get(action="limits.changed")
    assert event.user_id == desk.owner.pk
    assert event.details == {
        "changes": {
            "max_order_size": {"old": None, "new": "250.5"},
            "max_orders_per_minute": {"old": 120, "new": 0},
            "allowed_instruments": {"old": [], "new": ["BTC/USD", "ETH/USD"]},
        }
    }


def test_what_is_as_it_was_is_not_on_record(desk: Desk, client_for: ClientFor) -> None:
    assert client_for(desk.owner).patch(address(desk), {"max_leverage": "3.00"}, format="json").status_code == 200
    assert not AuditEvent.objects.filter(action="limits.changed").exists()


@pytest.mark.parametrize(
    ("ceiling", "wish", "field"),
    [
        ({"max_leverage": Decimal(2)}, {"max_leverage": "2.01"}, "max_leverage"),
        ({"max_order_size": Decimal(500)}, {"max_order_size": "500.01"}, "max_order_size"),
        ({"price_band_percent": Decimal(30)}, {"price_band_percent": "0"}, "price_band_percent"),
        ({"max_drawdown_percent": Decimal(10)}, {"max_drawdown_percent": "12"}, "max_drawdown_percent"),
        ({"max_order_size": Decimal(500)}, {"enabled": False}, "enabled"),
        ({"daily_loss_limit_percent": Decimal(9)}, {"circuit_breaker": False}, "circuit_breaker"),
    ],
)
def test_a_limit_above_the_platforms_is_refused_and_nothing_changes(
    ceiling: dict[str, Decimal], wish: dict[str, object], field: str, desk: Desk, client_for: ClientFor
) -> None:
    PlatformLimits.objects.create(**ceiling)
    answer = client_for(desk.owner).patch(address(desk), {"min_order_size": "1", **wish}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "above_platform_limit")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert RiskProfile.objects.get(portfolio=desk.portfolio).min_order_size == 10


def test_a_limit_at_the_platforms_is_taken_and_others_may_be_mended_one_by_one(
    desk: Desk, client_for: ClientFor
) -> None:
    PlatformLimits.objects.create(max_leverage=Decimal(2), max_position_size_percent=Decimal(5))
    client = client_for(desk.owner)
    assert client.patch(address(desk), {"max_leverage": "2"}, format="json").status_code == 200  # 10 % stay above.
    assert client.patch(address(desk), {"max_position_size_percent": "5"}, format="json").status_code == 200


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"max_leverage": "0.99"}, "max_leverage"),
        ({"max_total_exposure_percent": "1000.1"}, "max_total_exposure_percent"),
        ({"max_concurrent_positions": 40_000}, "max_concurrent_positions"),
        ({"allowed_instruments": ["NO/SUCH"]}, "allowed_instruments.0"),
        ({"max_leverrage": "2"}, "max_leverrage"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(
    wish: dict[str, object], field: str, desk: Desk, client_for: ClientFor
) -> None:
    answer = client_for(desk.owner).patch(address(desk), wish, format="json")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_nobody_elses_limits_are_found(desk: Desk, other_desk: Desk, client_for: ClientFor) -> None:
    client = client_for(desk.owner)
    assert client.get(address(other_desk)).status_code == 404
    assert client.patch(address(other_desk), {"max_leverage": "9"}, format="json").status_code == 404


def test_an_administrator_changes_anybodys_limits(desk: Desk, admin: User, client_for: ClientFor) -> None:
    assert client_for(admin).patch(address(desk), {"max_leverage": "1"}, format="json").status_code == 200


def test_no_key_widens_its_own_limits(desk: Desk, client_for: ClientFor) -> None:
    _, secret = api_key_create(user=desk.owner, name="bot", scopes=["read", "trade"])
    client = client_for(None)
    client.credentials(HTTP_X_API_KEY=secret)
    assert client.get(address(desk)).status_code == 200
    answer = client.patch(address(desk), {"max_leverage": "9"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "api_key_scope")


def test_everybody_sees_the_platforms_limits_and_administrators_change_them(
    trader: User, admin: User, client_for: ClientFor
) -> None:
    assert client_for(trader).get(PLATFORM).json() == dict.fromkeys(CEILINGS)
    assert client_for(trader).patch(PLATFORM, {"max_leverage": "2"}, format="json").status_code == 403
    assert not PlatformLimits.objects.exists()
    answer = client_for(admin).patch(PLATFORM, {"max_leverage": "2", "max_orders_per_minute": 60}, format="json")
    assert answer.json() == {**dict.fromkeys(CEILINGS), "max_leverage": "2", "max_orders_per_minute": 60}
    assert client_for(trader).get(PLATFORM).json() == answer.json()
    client_for(admin).patch(PLATFORM, {"max_leverage": None}, format="json")
    assert PlatformLimits.objects.get().max_leverage is None
    events = AuditEvent.objects.filter(action="limits.changed", user_id=admin.pk).order_by("pk")
    assert [event.details["changes"].get("max_leverage") for event in events] == [
        {"old": None, "new": "2"}, {"old": "2", "new": None},
    ]  # fmt: skip
