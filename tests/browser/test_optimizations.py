"""Optimizations in a real browser: asked for with ranges, read with their map; walks with their folds."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.marketdata import datasets
from apps.marketdata.selectors import instrument_get
from apps.strategies.models import Optimization
from apps.strategies.services.optimizing import optimization_work
from tests.apps.dashboard.conftest import Book
from tests.browser.conftest import Visit
from tests.builders import make_optimization


@pytest.fixture
def googl(book: Book) -> dict[str, Any]:
    datasets.install()
    return {"instruments": [instrument_get("GOOGL")], "timeframe": "1d"}


def test_a_search_is_asked_for_and_its_map_read(visit: Visit, book: Book, googl: dict[str, Any]) -> None:
    page = visit.page
    page.goto(f"{visit.base}/admin/strategies/optimization/add/")
    page.select_option("#id_rule", "sma_cross")
    page.select_option("#id_instruments", label="GOOGL", force=True)
    page.select_option("#id_timeframe", "1d")
    page.fill("#id_sma_cross__fast", "5..30 step")
    page.fill("#id_sma_cross__slow", "20..120 step 10")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("'5..30 step' is no number")).to_be_visible()
    page.fill("#id_sma_cross__fast", "5..30 step 5")
    assert not visit.has_overflow()
    page.get_by_role("button", name="Search", exact=True).click()
    page.wait_for_url(re.compile(r"/strategies/optimization/[0-9a-f-]{36}/change/"))
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")

    optimization = Optimization.objects.get()
    assert optimization.planned == 6 * 11
    optimization_work(optimization_id=optimization.pk)
    optimization.refresh_from_db()
    assert optimization.status == "completed", optimization.error
    expect(page.get_by_role("heading", name="Best sets")).to_be_visible()
    expect(page.get_by_text("Waiting for a worker")).to_be_hidden()
    cells = page.locator(".is-map tbody td")
    expect(cells).to_have_count(66)
    assert not visit.has_overflow()
    page.select_option("select[name=across]", "slow")
    page.select_option("select[name=down]", "fast")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".is-map thead th")).to_have_count(12)
    page.get_by_role("link", name="The best one's backtest").click()
    expect(page.get_by_text("Deflated sharpe")).to_be_visible()


def test_a_walk_shows_what_followed(visit: Visit, book: Book, googl: dict[str, Any]) -> None:
    asked = {"walk": "rolling", "choose_candles": 500, "trade_candles": 250, "metric": "sharpe"}
    space = {"fast": {"low": 5, "high": 25, "step": 10}, "slow": {"values": [50, 100]}}
    optimization = make_optimization(book.owner, **googl, **asked, space=space)
    optimization_work(optimization_id=optimization.pk)
    page = visit.open(f"/admin/strategies/optimization/{optimization.pk}/change/")
    expect(page.get_by_role("heading", name="Folds")).to_be_visible()
    expect(page.get_by_label("Folds, table").locator("tbody tr")).to_have_count(optimization.pieces.count())
    assert not visit.has_overflow()
