"""Portfolios by the API: what they hold and are worth."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from tests.builders import MARKET_TIME, make_position, make_snapshot
from tests.conftest import ClientFor, Desk


def test_a_portfolio_is_shown_with_what_it_is_worth(desk: Desk, client_for: ClientFor) -> None:
    # 10,000 less 180 paid for 2 at 90, now marked at 100: cash 9,820, worth 10,020.
    make_position(desk.portfolio, quantity=Decimal(2), entry_price=Decimal(90), mark_price=Decimal(100))
    desk.portfolio.cash = Decimal(9_820)
    desk.portfolio.save()
    shown = client_for(desk.owner).get(f"/api/portfolios/{desk.portfolio.pk}").json()
    assert (shown["name"], shown["owner"], shown["base_currency"]) == ("Main", "trader", "USD")
    assert shown["summary"] == {
        "equity": "10020",
        "cash": "9820",
        "exposure": "200",
        "unrealized_pnl": "20",
        "realized_pnl": "0",
        "fees_paid": "0",
        "total_return_percent": "0.2",
        "drawdown_percent": "0",
        "open_positions": 1,
        "day_pnl": "20",
    }


def test_positions_tell_their_profit_and_are_found_by_being_open(desk: Desk, client_for: ClientFor) -> None:
    is_open = make_position(desk.portfolio, quantity=Decimal(-2), entry_price=Decimal(90), mark_price=Decimal(100))
    closed = make_position(desk.portfolio, quantity=Decimal(0), closed_at=MARKET_TIME)
    client = client_for(desk.owner)
    shown = client.get("/api/positions", {"open": "true"}).json()["results"]
    assert [row["id"] for row in shown] == [str(is_open.pk)]
    assert (shown[0]["quantity"], shown[0]["market_value"], shown[0]["unrealized_pnl"]) == ("-2", "-200", "-20")
    shown = client.get("/api/positions", {"open": "false"}).json()["results"]
    assert [row["id"] for row in shown] == [str(closed.pk)]


def test_equity_is_shown_between_two_market_times(desk: Desk, client_for: ClientFor) -> None:
    for hour in range(4):
        make_snapshot(
            desk.portfolio, MARKET_TIME + timedelta(hours=hour), equity=Decimal(10_000 - hour),
            unrealized_pnl=Decimal(-hour), drawdown_percent=Decimal("0.0100") * hour,
        )  # fmt: skip
    bounds = {"since": "2024-03-01T13:00:00Z", "until": "2024-03-01T15:00:00Z"}
    shown = client_for(desk.owner).get(f"/api/portfolios/{desk.portfolio.pk}/equity", bounds).json()["results"]
    assert shown == [
        {
            "at": "2024-03-01T14:00:00Z", "equity": "9998", "cash": "10000", "unrealized_pnl": "-2",
            "drawdown_percent": "0.02",
        },
        {
            "at": "2024-03-01T13:00:00Z", "equity": "9999", "cash": "10000", "unrealized_pnl": "-1",
            "drawdown_percent": "0.01",
        },
    ]  # fmt: skip
