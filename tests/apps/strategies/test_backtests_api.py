"""Backtests by the API: asked for, followed, read, exported, compared, deleted."""

from __future__ import annotations

import csv
import io
import uuid
from typing import Any

import pytest
from rest_framework.test import APIClient

from algotrendy.trading.values import Timeframe
from apps.accounts.models import AuditEvent, User
from apps.strategies.models import Backtest, JobStatus
from tests.builders import (
    MARKET_TIME,
    make_backtest,
    make_candles_rows,
    make_completed_backtest,
    make_instrument,
    make_strategy,
)
from tests.conftest import ClientFor, Desk

RISING_AND_FALLING = [100, 100, 100, 101, 103, 106, 110, 108, 104, 100, 97, 98, 101, 105, 109, 104, 99, 95]
BODY: dict[str, Any] = {
    "rule": "sma_cross", "parameters": {"fast": 2, "slow": 3}, "symbols": ["BTC/USD"], "timeframe": "1h",
}  # fmt: skip


@pytest.fixture
def candles(db: None) -> None:
    make_candles_rows(make_instrument(), RISING_AND_FALLING)


@pytest.fixture
def client(trader: User, client_for: ClientFor) -> APIClient:
    return client_for(trader)


def test_a_backtest_is_taken_in_with_every_default_told(client: APIClient, candles: None) -> None:
    response = client.post("/api/backtests", BODY, format="json")
    assert response.status_code == 202
    told = response.json()
    assert (told["status"], told["progress"], told["name"]) == ("pending", 0, "SMA cross on BTC/USD")
    assert (told["source"], told["symbols"], told["parameters"]) == ("csv", ["BTC/USD"], {"fast": 2, "slow": 3})
    # The reference's defaults: 10,000, 0.1 % commission, 0.05 % slippage, 5 % of equity.
    assert [told[name] for name in ("initial_cash", "commission_rate", "slippage_rate", "sizing_value")] == [
        "10000", "0.001", "0.0005", "5",
    ]  # fmt: skip
    assert client.get(f"/api/backtests/{told['id']}").json() == {**told, "figures": None}
    assert client.get("/api/backtests", {"status": "pending"}).json()["results"] == [told]
    assert AuditEvent.objects.filter(action="backtest.created", target_id=told["id"]).exists()


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"rule": None}, "rule", "required"),
        ({"symbols": []}, "symbols", "at least 1"),
        ({"symbols": ["ETH/USD"]}, "symbols.0", "no instrument"),
        ({"timeframe": "7h"}, "timeframe", "not a valid choice"),
        ({"stop_percent": "-1"}, "stop_percent", "greater than or equal"),
        ({"fast": 3}, "fast", "no such field"),
    ],
)
def test_a_field_that_cannot_be_is_named(
    client: APIClient, candles: None, changes: dict[str, Any], field: str, words: str
) -> None:
    body = {name: value for name, value in {**BODY, **changes}.items() if value is not None}
    response = client.post("/api/backtests", body, format="json")
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert words in response.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rule": "dowsing"}, "no strategy 'dowsing'"),
        ({"parameters": {"fast": 9, "slow": 3}}, "must be below slow"),
        ({"symbols": ["BTC/USD", "BTC/USD"]}, "each instrument once"),
        ({"timeframe": "1d"}, "no 1d candles"),
        ({"start": "2030-01-01T00:00:00Z"}, "no 1h candles of BTC/USD in that period"),
        ({"start": "2024-03-02T00:00:00Z", "end": "2024-03-01T00:00:00Z"}, "end must be after the start"),
        ({"sizing_value": "0"}, "size must be above 0"),
        ({"initial_cash": "0"}, "cash must be above 0"),
        ({"commission_rate": "0.2"}, "commission is a share between 0 and 0.1"),
        ({"stop_percent": "100"}, "0 to less than 100 percent"),
    ],
)
def test_what_no_worker_could_run_is_refused_at_once(
    client: APIClient, candles: None, changes: dict[str, Any], words: str
) -> None:
    response = client.post("/api/backtests", {**BODY, **changes}, format="json")
    assert response.status_code == 400
    assert words in str(response.json())
    assert not Backtest.objects.exists()


def test_a_period_with_more_candles_than_allowed_is_refused(client: APIClient, candles: None, settings: Any) -> None:
    settings.BACKTEST_MAX_CANDLES = 17
    response = client.post("/api/backtests", BODY, format="json")
    assert response.json()["code"] == "invalid_backtest"
    assert "18 candles, more than the 17" in response.json()["detail"]


def test_a_person_has_only_so_many_under_way(client: APIClient, candles: None, trader: User, settings: Any) -> None:
    settings.BACKTEST_MAX_ACTIVE = 2
    waiting = [make_backtest(trader), make_backtest(trader, status=JobStatus.RUNNING)]
    response = client.post("/api/backtests", BODY, format="json")
    assert (response.status_code, response.json()["code"]) == (409, "too_many_jobs")
    assert client.post(f"/api/backtests/{waiting[0].pk}/cancel").status_code == 200
    assert client.post("/api/backtests", BODY, format="json").status_code == 202


def test_a_configured_strategy_gives_what_is_left_out(client: APIClient, desk: Desk) -> None:
    strategy = make_strategy(desk.portfolio, rule="rsi", parameters={"period": 5}, protect=False)
    response = client.post("/api/backtests", {"strategy": str(strategy.pk), "sizing_value": "7"}, format="json")
    assert response.status_code == 202
    told = response.json()
    assert (told["rule"], told["parameters"]["period"], told["sizing_value"]) == ("rsi", 5, "7")
    assert (told["strategy"], told["stop_percent"], told["protect"]) == (str(strategy.pk), "0", False)
    assert told["risk_limits"] is True  # its portfolio's limits are on


def test_anothers_strategy_is_as_good_as_missing(client: APIClient, other_desk: Desk) -> None:
    strategy = make_strategy(other_desk.portfolio)
    response = client.post("/api/backtests", {"strategy": str(strategy.pk)}, format="json")
    assert response.json()["errors"][0]["message"] == "There is no such strategy."


def test_a_completed_backtest_tells_every_figure(client: APIClient, candles: None, trader: User) -> None:
    backtest = make_completed_backtest(trader)
    told = client.get(f"/api/backtests/{backtest.pk}").json()
    figures = told["figures"]
    assert set(figures) == {
        "performance", "comparison", "trades", "exits", "months", "underwater", "honesty", "books", "denied", "skipped",
        "canceled",
    }  # fmt: skip
    assert told["total_return"] == figures["performance"]["total_return"]
    assert told["final_equity"] == pytest.approx(10_000 * (1 + told["total_return"]))
    assert figures["trades"]["count"] == told["trade_count"] == 2
    assert figures["trades"]["profit_factor"] is None or figures["trades"]["profit_factor"] > 0
    assert {check["name"] for check in figures["honesty"]["checks"]} >= {"look_ahead", "chance", "sample_size"}
    assert told["verdict"] == "warning"  # two trades tell little
    assert figures["books"][0] == {
        "name": "sma_cross BTC/USD",
        "symbol": "BTC/USD",
        "timeframe": "1h",
        "candles": 18,
        "first": int(MARKET_TIME.timestamp()),
        "last": int(MARKET_TIME.timestamp()) + 17 * 3600,
    }


def test_the_trades_come_page_by_page_and_add_up(client: APIClient, candles: None, trader: User) -> None:
    path = f"/api/backtests/{make_completed_backtest(trader).pk}/trades"
    first = client.get(path, {"limit": 1}).json()
    second = client.get(path, {"limit": 1, "cursor": first["next"]}).json()
    assert (first["next"], second["next"]) == (1, None)
    trades = [*first["results"], *second["results"]]
    assert client.get(path).json() == {"results": trades, "next": None}
    # By hand: SMA 2 of [100, 101] = 100.5 is above SMA 3 of [100, 100, 101] = 100.33 first at the close of the fourth
    # candle, so the fifth one's open, 101, is bought with 0.05 % slippage: 101.0505, rounded up to the tick.
    entry = trades[0]
    assert (entry["number"], entry["side"], entry["entry_time"]) == (0, "long", "2024-03-01T16:00:00Z")
    assert entry["entry_price"] == pytest.approx(101.06)
    initial = 10_000
    assert sum(trade["pnl"] for trade in trades) == pytest.approx(
        client.get(path.removesuffix("/trades")).json()["final_equity"] - initial
    )
    for trade in trades:
        gross = (trade["exit_price"] - trade["entry_price"]) * trade["quantity"]
        assert trade["pnl"] == pytest.approx(gross - trade["fees"], abs=1e-6)
        assert trade["mae"] <= 0 <= trade["mfe"] or trade["mae"] >= 0


def test_the_curve_is_thinned_to_its_ends_and_extremes(client: APIClient, candles: None, trader: User) -> None:
    path = f"/api/backtests/{make_completed_backtest(trader).pk}/equity"
    whole = client.get(path).json()
    assert whole["candles"] == 18
    assert len(whole["time"]) == len(whole["equity"]) == len(whole["drawdown"]) == len(whole["held"]) == 18
    peaks = [max(10_000, *whole["equity"][: row + 1]) for row in range(18)]
    assert whole["drawdown"] == pytest.approx([1 - e / p for e, p in zip(whole["equity"], peaks, strict=True)])
    assert whole["held"][-1] == pytest.approx(10_000 * 95 / 100)  # bought at the first close, kept to the last
    thin = client.get(path, {"points": 6}).json()
    assert len(thin["time"]) <= 6
    assert (thin["time"][0], thin["time"][-1]) == (whole["time"][0], whole["time"][-1])
    assert max(thin["equity"]) == max(whole["equity"])
    assert min(thin["equity"]) == min(whole["equity"])
    assert client.get(path, {"points": 1}).status_code == 400


def test_results_come_as_files(client: APIClient, candles: None, trader: User) -> None:
    path = f"/api/backtests/{make_completed_backtest(trader).pk}"
    trades = client.get(f"{path}/trades.csv", headers={"accept": "text/csv"})
    assert trades["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in trades["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(b"".join(trades.streaming_content).decode())))
    assert [float(row["pnl"]) for row in rows] == [t["pnl"] for t in client.get(f"{path}/trades").json()["results"]]
    curve = client.get(f"{path}/equity.csv")
    lines = list(csv.DictReader(io.StringIO(b"".join(curve.streaming_content).decode())))
    assert [float(line["equity"]) for line in lines] == client.get(f"{path}/equity").json()["equity"]
    assert lines[0]["time"] == "2024-03-01T13:00:00+00:00"  # the close of the first candle
    result = client.get(f"{path}/result.json").json()
    assert result["backtest"] == client.get(path).json()
    assert len(result["trades"]) == len(rows)
    page = client.get(f"{path}/report.html", headers={"accept": "text/html"}).content.decode()
    assert page.startswith("<!DOCTYPE html>")
    assert "SMA cross on BTC/USD" in page
    assert "<script" not in page


def test_backtests_stand_side_by_side(client: APIClient, candles: None, trader: User, viewer: User) -> None:
    first, second = (make_completed_backtest(trader, initial_cash=cash) for cash in (10_000, 50_000))
    told = client.get("/api/backtests/compare", {"ids": f"{first.pk},{second.pk}"}).json()
    assert [each["id"] for each in told["backtests"]] == [str(first.pk), str(second.pk)]
    curves = [told["curves"][str(each.pk)]["equity"] for each in (first, second)]
    assert curves[0] == pytest.approx(curves[1], rel=1e-4)  # as shares, they are one curve
    assert client.get("/api/backtests/compare", {"ids": str(first.pk)}).status_code == 400
    assert client.get("/api/backtests/compare", {"ids": f"{first.pk},rubbish"}).status_code == 400
    assert client.get("/api/backtests/compare", {"ids": f"{first.pk},{uuid.uuid4()}"}).status_code == 404
    hidden = make_completed_backtest(viewer)
    assert client.get("/api/backtests/compare", {"ids": f"{first.pk},{hidden.pk}"}).status_code == 404


@pytest.mark.parametrize("part", ["trades", "equity", "trades.csv", "equity.csv", "result.json", "report.html"])
def test_a_backtest_without_a_result_says_so(client: APIClient, candles: None, trader: User, part: str) -> None:
    response = client.get(f"/api/backtests/{make_backtest(trader).pk}/{part}")
    assert (response.status_code, response.json()["code"]) == (409, "backtest_not_completed")
    assert "pending" in response.json()["detail"]


def test_a_waiting_one_is_canceled_at_once_and_only_what_is_over_is_deleted(
    client: APIClient, candles: None, trader: User
) -> None:
    path = f"/api/backtests/{make_backtest(trader).pk}"
    assert client.delete(path).json()["code"] == "job_is_active"
    assert client.post(f"{path}/cancel").json()["status"] == "canceled"
    assert client.post(f"{path}/cancel").json()["code"] == "job_not_cancelable"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_lists_filter_and_hide_what_is_anothers(
    client: APIClient, client_for: ClientFor, candles: None, trader: User, other_trader: User, admin: User
) -> None:
    other_symbol = make_instrument("ETH/USD")
    make_candles_rows(other_symbol, RISING_AND_FALLING)
    mine = make_backtest(trader)
    both = make_backtest(trader, instruments=[make_instrument(), other_symbol], rule="rsi", parameters={})

    def listed(who: APIClient, **query: str) -> list[str]:
        return [row["id"] for row in who.get("/api/backtests", query).json()["results"]]

    assert listed(client) == [str(both.pk), str(mine.pk)]
    assert listed(client, symbol="ETH/USD") == [str(both.pk)]
    assert listed(client, rule="sma_cross") == [str(mine.pk)]
    assert listed(client, timeframe=Timeframe.D1.value) == []
    assert listed(client_for(other_trader)) == []
    assert len(listed(client_for(admin))) == 2
    assert client_for(other_trader).get(f"/api/backtests/{mine.pk}").status_code == 404
