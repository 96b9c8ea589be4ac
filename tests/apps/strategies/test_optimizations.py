"""Optimizations: shared out piece by piece, ended once, gone on with after a kill; and what they conclude."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.strategies.models import Backtest, JobStatus, Optimization, Piece, Trial
from apps.strategies.services import (
    backtest_create,
    optimization_cancel,
    optimization_delete,
    optimizations,
    optimizations_sweep,
)
from apps.strategies.services.optimizing import optimization_work
from apps.strategies.services.running import backtest_run
from tests.builders import make_candles_rows, make_instrument, make_optimization, make_user
from tests.conftest import ClientFor
from tests.rules import Raising, add_rule

pytestmark = pytest.mark.django_db(transaction=True)
GRID = {"fast": {"values": [2, 3]}, "slow": {"values": [3, 5, 8]}}
"""Six points, of which fast 3, slow 3 contradicts itself."""
LARGE = {"fast": {"low": 2, "high": 300}, "slow": {"low": 2, "high": 300}}
UNPROTECTED: dict[str, Any] = {
    "sizing_rule": "percent_of_cash", "sizing_value": Decimal(100), "protect": False, "stop_percent": Decimal(0),
    "target_percent": Decimal(0),
}  # fmt: skip


def wave(count: int) -> list[float]:
    """Closes of two waves, one faster than the other, in cents."""
    steps = np.arange(count)
    return [round(float(value), 2) for value in 100 + 8 * np.sin(steps / 9) + 3 * np.sin(steps / 2.5)]


@pytest.fixture
def owner(transactional_db: None) -> User:
    make_candles_rows(make_instrument(), wave(240))
    return make_user()


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizations, "PIECE", 2)
    monkeypatch.setattr(optimizations, "LEARNING_PIECE", 2)


def finished(optimization: Optimization) -> Optimization:
    for _ in range(50):
        optimization_work(optimization_id=optimization.pk)
        optimization.refresh_from_db()
        if not optimization.is_active:
            break
    return optimization


def test_a_grid_is_tried_whole_and_its_best_is_a_backtest(owner: User, small_pieces: None) -> None:
    optimization = make_optimization(owner)
    assert (optimization.planned, optimization.pieces.count()) == (6, 3)
    finished(optimization)
    assert (optimization.status, optimization.done, optimization.progress) == ("completed", 6, 100)
    trials = {(t.parameters["fast"], t.parameters["slow"]): t for t in optimization.trials.all()}
    assert len(trials) == 6
    assert trials[3, 3].status == "invalid"
    assert optimization.result is not None
    assert optimization.result["counts"] == {"ok": 5, "refused": 0, "invalid": 1, "failed": 0}

    best = max((t for t in trials.values() if t.objective is not None), key=lambda t: t.objective or 0)
    assert (optimization.best_parameters, optimization.best_value) == (best.parameters, best.objective)
    backtest = optimization.best_backtest
    assert backtest is not None
    assert (backtest.parameters, backtest.owner, backtest.status) == (best.parameters, owner, "completed")
    assert backtest.total_return == pytest.approx(best.objective)
    checks = {check["name"]: check for check in backtest.result.figures["honesty"]["checks"]}
    assert "After 5 trials" in checks["deflated_sharpe"]["message"]
    assert "next to the best set" in checks["plateau"]["message"]

    # Each trial is what a backtest of its own would have been.
    other = trials[2, 8]
    setup = {
        name: getattr(optimization, name)
        for name in ("sizing_rule", "sizing_value", "protect", "stop_percent", "target_percent")
    }
    alone = backtest_create(
        owner=owner,
        rule="sma_cross",
        instruments=[make_instrument()],
        timeframe="1h",
        parameters=other.parameters,
        **setup,
    )
    backtest_run(backtest_id=alone.pk)
    alone.refresh_from_db()
    assert alone.total_return == pytest.approx(other.figures["total_return"])
    assert alone.sharpe == pytest.approx(other.figures["sharpe"])
    assert alone.trade_count == other.figures["trade_count"]


def test_workers_share_the_pieces_and_nothing_is_done_twice(owner: User, small_pieces: None) -> None:
    optimization = make_optimization(owner, space={"fast": {"low": 2, "high": 9}, "slow": {"low": 10, "high": 29}})
    begin = threading.Barrier(3)

    def work() -> None:
        begin.wait()
        optimization_work(optimization_id=optimization.pk)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    optimization.refresh_from_db()
    assert (optimization.status, optimization.done) == ("completed", 160)
    assert sorted(optimization.trials.values_list("number", flat=True)) == list(range(160))
    assert set(optimization.pieces.values_list("attempts", flat=True)) == {1}
    assert Backtest.objects.count() == 1


@pytest.mark.parametrize("search", ["grid", "random", "tpe"])
def test_a_killed_worker_costs_its_piece_and_nothing_else(
    owner: User, small_pieces: None, search: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {
        "search": search,
        "trial_limit": 12,
        "space": {"fast": {"low": 2, "high": 6}, "slow": {"low": 7, "high": 12}},
    }
    whole = finished(make_optimization(owner, **asked))
    killed = make_optimization(owner, **asked)
    monkeypatch.setattr("apps.strategies.services.optimizing.TURN", -1.0)
    optimization_work(optimization_id=killed.pk)  # begins, and its turn is over
    monkeypatch.undo()
    monkeypatch.setattr(optimizations, "LEARNING_PIECE", 2)
    first = killed.pieces.order_by("number").first()
    assert first is not None
    long_ago = timezone.now() - timedelta(minutes=5)
    Piece.objects.filter(pk=first.pk).update(status=JobStatus.RUNNING, attempts=1, heartbeat_at=long_ago)
    Optimization.objects.filter(pk=killed.pk).update(heartbeat_at=long_ago)
    assert optimizations_sweep() == 1
    finished(killed)
    assert killed.status == "completed"
    told = [[(t.number, t.parameters, t.objective) for t in each.trials.order_by("number")] for each in (whole, killed)]
    if search == "tpe":  # what it learns from comes in another order; how many and none twice stays
        assert len({tuple(sorted(parameters.items())) for _, parameters, _ in told[1]}) == 12
    else:
        assert told[0] == told[1]
    first.refresh_from_db()
    assert first.attempts == 2


def test_a_piece_that_kills_two_workers_ends_the_search_with_what_to_do(owner: User) -> None:
    optimization = make_optimization(owner)
    long_ago = timezone.now() - timedelta(minutes=5)
    optimization.pieces.update(status=JobStatus.RUNNING, attempts=2, heartbeat_at=long_ago)
    Optimization.objects.update(status=JobStatus.RUNNING, attempts=1, heartbeat_at=long_ago)
    assert optimizations_sweep() == 0
    optimization.refresh_from_db()
    assert (optimization.status, optimization.error_code) == ("failed", "worker_lost")


def test_canceling_keeps_the_trials_that_are_done(
    owner: User, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    optimization = make_optimization(owner)
    claim = "apps.strategies.services.optimizing._claim"
    from apps.strategies.services.optimizing import _claim

    def canceled_after_one(row: Optimization) -> Piece | None:
        if row.trials.exists():
            optimization_cancel(optimization=row)
        return _claim(row)

    monkeypatch.setattr(claim, canceled_after_one)
    monkeypatch.setattr("apps.strategies.pulse.INTERVAL", 0.01)
    monkeypatch.setattr("apps.strategies.services.optimizing._search", _slowly)
    optimization_work(optimization_id=optimization.pk)
    optimization.refresh_from_db()
    assert (optimization.status, optimization.trials.count()) == ("canceled", 2)
    optimization_delete(optimization=optimization)
    assert not Trial.objects.exists()


def _slowly(optimization: Optimization, piece: Piece, tried: Any) -> Any:
    import time

    from apps.strategies.services import optimizing

    outcomes = tried.run([tuple(point) for point in piece.points])
    if piece.number:
        time.sleep(5)
    return {"piece": {}, "trials": [optimizing._row(optimization, tried, n, o) for n, o in enumerate(outcomes)]}


def test_constraints_refuse_and_without_any_left_it_says_so(owner: User) -> None:
    never = {"metric": "trade_count", "comparator": "at_least", "value": 1000}
    optimization = finished(make_optimization(owner, constraints=[never]))
    assert (optimization.status, optimization.best_parameters, optimization.best_backtest) == ("completed", None, None)
    assert optimization.result is not None
    assert optimization.result["counts"]["refused"] == 5
    assert "No set could be chosen" in optimization.result["message"]
    trial = optimization.trials.exclude(status="invalid").first()
    assert trial is not None
    assert "trade_count" in trial.message
    assert "is below 1000" in trial.message


def test_a_rule_that_raises_everywhere_ends_in_failed_trials(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    add_rule(monkeypatch, Raising)
    optimization = finished(make_optimization(owner, rule="raising", space={"strength": {"values": [1, 2]}}))
    assert optimization.status == "completed"
    assert optimization.result is not None
    assert optimization.result["counts"]["failed"] == 2
    assert "the stars are wrong" in optimization.trials.get(number=0).message


@pytest.mark.parametrize("walk", ["rolling", "anchored"])
def test_a_walk_stitches_what_followed_each_choice(owner: User, walk: str) -> None:
    optimization = finished(make_optimization(owner, walk=walk, choose_candles=120, trade_candles=60))
    assert optimization.status == "completed", optimization.error
    assert optimization.planned == optimization.done == 12
    assert optimization.result is not None
    folds = optimization.result["folds"]
    assert len(folds) == 2
    assert folds[1]["begin"] == (folds[0]["begin"] if walk == "anchored" else folds[0]["begin"] + 60 * 3600)
    growth = np.prod([1 + fold["traded"] for fold in folds])
    assert optimization.result["figures"]["total_return"] == pytest.approx(growth - 1)
    assert set(optimization.result["stability"]) == {"fast", "slow"}

    # The first fold by hand: the best of a search over its past, traded on what follows.
    instrument = make_instrument()
    times = list(instrument.candles.order_by("open_time").values_list("open_time", flat=True))
    search = finished(make_optimization(owner, start=times[0], end=times[120]))
    assert folds[0]["parameters"] == search.best_parameters
    after = backtest_create(
        owner=owner, rule="sma_cross", instruments=[instrument], timeframe="1h", start=times[120], end=times[180],
        parameters=search.best_parameters, **UNPROTECTED,
    )  # fmt: skip
    backtest_run(backtest_id=after.pk)
    after.refresh_from_db()
    assert folds[0]["traded"] == pytest.approx(after.total_return)


# By API

BODY = {"rule": "sma_cross", "symbols": ["BTC/USD"], "timeframe": "1h", "space": GRID, "metric": "total_return"}


@pytest.fixture
def client(owner: User, client_for: ClientFor) -> APIClient:
    return client_for(owner)


def test_a_search_is_asked_for_and_read(client: APIClient, owner: User) -> None:
    response = client.post("/api/optimizations", BODY, format="json")
    assert response.status_code == 202, response.json()
    told = response.json()
    assert (told["status"], told["planned"], told["search"]) == ("pending", 6, "grid")
    path = f"/api/optimizations/{told['id']}"
    finished(Optimization.objects.get())
    done = client.get(path).json()
    assert (done["status"], done["done"]) == ("completed", 6)
    best = client.get(f"{path}/trials", {"limit": 1}).json()
    assert (best["results"][0]["parameters"], best["next"]) == (done["best_parameters"], 1)
    beyond = client.get(f"{path}/trials", {"cursor": 402885748703673215614976})
    assert (beyond.status_code, beyond.json()["errors"][0]["field"]) == (400, "cursor")
    numbers = [row["number"] for row in client.get(f"{path}/trials", {"order": "number"}).json()["results"]]
    assert numbers == list(range(6))
    heat = client.get(f"{path}/heat-map").json()
    assert (heat["across"], heat["down"], heat["columns"], heat["rows"]) == ("fast", "slow", [2, 3], [3, 5, 8])
    assert heat["cells"][0][1] is None  # fast 3 is not below slow 3
    assert max(cell for row in heat["cells"] for cell in row if cell is not None) == done["best_value"]
    turned = client.get(f"{path}/heat-map", {"across": "slow"}).json()
    assert turned["cells"][0] == [row[0] for row in heat["cells"]]
    assert client.get(f"{path}/heat-map", {"across": "speed"}).json()["code"] == "invalid_space"
    assert client.get(f"{path}/equity").json()["code"] == "backtest_not_completed"
    assert client.get(f"/api/backtests/{done['best_backtest']}").json()["verdict"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"space": {}}, "at least one parameter"),
        ({"space": {"fast": {"low": 9, "high": 2}}}, "low 9 is above high 2"),
        ({"space": {"fast": {"low": 2, "high": 9.5}}}, "whole"),
        ({"metric": "luck"}, "not a valid choice"),
        ({"search": "random"}, "Say how many trials"),
        ({"walk": "rolling"}, "required"),
        (
            {
                "walk": "rolling",
                "choose_candles": 230,
                "trade_candles": 1,
                "space": {"fast": {"low": 2, "high": 300}, "slow": {"low": 2, "high": 300}},
            },
            "backtests, more than",
        ),
        ({"walk": "rolling", "choose_candles": 300, "trade_candles": 10}, "too few to choose on"),
        ({"constraints": [{"metric": "sharpe", "comparator": "above", "value": 1}]}, "not a valid choice"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_the_reason(
    client: APIClient, changes: dict[str, Any], words: str
) -> None:
    response = client.post("/api/optimizations", {**BODY, **changes}, format="json")
    assert response.status_code == 400
    assert words in str(response.json())
    assert not Optimization.objects.exists()
    assert not Piece.objects.exists()


def test_anothers_search_is_as_good_as_missing(client_for: ClientFor, owner: User) -> None:
    optimization = make_optimization(owner)
    stranger = client_for(make_user("stranger"))
    for part in ("", "/trials", "/heat-map", "/equity"):
        assert stranger.get(f"/api/optimizations/{optimization.pk}{part}").status_code == 404
    assert stranger.post(f"/api/optimizations/{optimization.pk}/cancel").status_code == 404
    assert stranger.get("/api/optimizations").json()["results"] == []


def test_only_what_is_over_is_deleted_and_its_best_stays(client: APIClient, owner: User) -> None:
    optimization = make_optimization(owner)
    path = f"/api/optimizations/{optimization.pk}"
    assert client.delete(path).json()["code"] == "job_is_active"
    finished(optimization)
    assert client.post(f"{path}/cancel").json()["code"] == "job_not_cancelable"
    assert client.delete(path).status_code == 204
    assert Backtest.objects.count() == 1
