"""What a strategy's trades came to, in figures worked out by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.strategies import performance
from apps.strategies.models import Strategy
from tests.builders import MARKET_TIME, make_performance, make_portfolio, make_position, make_strategy
from tests.conftest import ClientFor, Desk

HOUR = timedelta(hours=1)


def at(hours: int) -> datetime:
    return MARKET_TIME + hours * HOUR


@pytest.fixture
def strategy(desk: Desk) -> Strategy:
    """Three closed trades that made 95, -42 and -3 net of fees, and an open one: 2 at 100, now 110, 0.5 paid."""
    strategy = make_strategy(desk.portfolio, "Cross", slug="cross", rule="sma_cross")
    for begin, end, made, fee in ((0, 4, "100", "5"), (10, 12, "-40", "2"), (12, 18, "1", "4")):
        make_position(
            desk.portfolio, book="cross", quantity=D(0), opened_at=at(begin), closed_at=at(end),
            realized_pnl=D(made), fees_paid=D(fee),
        )  # fmt: skip
    make_position(desk.portfolio, book="cross", quantity=D(2), mark_price=D(110), opened_at=at(30), fees_paid=D("0.5"))
    make_position(desk.portfolio, book="manual", realized_pnl=D(1_000))
    make_position(make_portfolio(desk.owner, "Second"), book="cross", realized_pnl=D(1_000))
    return strategy


def shown(strategy: Strategy, client_for: ClientFor) -> Any:
    return client_for(strategy.portfolio.owner).get(f"/api/strategies/{strategy.pk}/performance").json()


def test_the_live_figures_are_those_of_its_own_book(strategy: Strategy, client_for: ClientFor) -> None:
    live = shown(strategy, client_for)["live"]
    assert live.pop("win_rate") == pytest.approx(1 / 3)
    assert live.pop("profit_factor") == pytest.approx(95 / 45)
    assert live == {
        "closed_trades": 3,
        "open_trades": 1,
        "realized_pnl": "61",
        "unrealized_pnl": "20",
        "fees": "11.5",
        "net_pnl": "69.5",
        "average_seconds": 4 * 3600.0,
        "first_trade_at": "2024-03-01T12:00:00Z",
        "last_trade_at": "2024-03-02T18:00:00Z",
        "curve": [
            {"at": "2024-03-01T16:00:00Z", "pnl": "95"},
            {"at": "2024-03-02T00:00:00Z", "pnl": "53"},
            {"at": "2024-03-02T06:00:00Z", "pnl": "50"},
        ],
    }


def test_a_long_curve_keeps_its_newest_points_with_the_whole_sum(
    strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performance, "CURVE_POINTS", 2)
    assert [point.pnl for point in performance.live_figures(strategy).curve] == [53, 50]


def test_figures_that_do_not_exist_are_null(desk: Desk, client_for: ClientFor) -> None:
    strategy = make_strategy(desk.portfolio)
    answer = shown(strategy, client_for)
    assert answer["comparison"] is None
    assert {name for name, value in answer["live"].items() if value is None} == {
        "win_rate", "profit_factor", "average_seconds", "first_trade_at", "last_trade_at",
    }  # fmt: skip
    make_position(desk.portfolio, book=strategy.slug, quantity=D(0), closed_at=at(1), realized_pnl=D(5))
    live = shown(strategy, client_for)["live"]
    assert (live["win_rate"], live["profit_factor"]) == (1, None), "nothing was lost"


def test_the_newest_comparison_stands_beside(strategy: Strategy, client_for: ClientFor) -> None:
    make_performance(strategy, drift_percent=D(9))
    missing = {
        "entered": "2024-03-01T12:00:00Z", "side": "long", "quantity": "2", "entry_price": "100",
        "closed_at": None, "pnl": "-12.5",
    }  # fmt: skip
    make_performance(
        strategy, drift_percent=D("-0.125"), backtest_trades=3, matched_share=2 / 3, backtest_pnl=D("62.5"),
        details={"missing": [missing], "extra": [], "differing": []},
    )  # fmt: skip
    comparison = shown(strategy, client_for)["comparison"]
    assert (comparison["drift_percent"], comparison["live_pnl"], comparison["backtest_pnl"]) == ("-0.125", "50", "62.5")
    assert (comparison["matched_trades"], comparison["backtest_trades"]) == (2, 3)
    assert comparison["details"]["missing"] == [missing]


def test_the_command_prints_a_row_for_each_strategy(strategy: Strategy, capsys: pytest.CaptureFixture[str]) -> None:
    make_performance(strategy, drift_percent=D("-0.125"), backtest_trades=3, backtest_pnl=D("62.5"))
    call_command("strategy_performance", "Cross")
    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split() == ["Strategy", "Portfolio", "Trades", "Won", "PnL", "Backtest", "Same", "Drift", "Until"]
    assert row.split() == ["Cross", "Main", "3", "33%", "+50.00", "+62.50", "2/3", "-0.12", "%", "2024-03-02", "12:00"]


def test_the_command_says_what_there_is_and_what_cannot_be_compared(
    strategy: Strategy, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="no strategy 'Nothing'; there are: 'Cross'"):
        call_command("strategy_performance", "Nothing")
    with pytest.raises(CommandError, match="No strategy is enabled"):
        call_command("strategy_performance")
    call_command("strategy_performance", "Cross", "--now")
    told = capsys.readouterr()
    assert "Cross has seen no candle since it was changed or enabled." in told.err
    assert told.out.splitlines()[1].split() == ["Cross", "Main", "3", "33%", "+69.50", "-", "-", "-", "-"]
