"""Backtests in a real browser: asked for by the form, followed live, read with charts that are linked to the trades."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.marketdata import datasets
from apps.marketdata.selectors import instrument_get
from apps.strategies.models import Backtest, JobStatus
from apps.strategies.pulse import job_publish
from apps.strategies.services.running import backtest_run
from tests.apps.dashboard.conftest import Book
from tests.browser.conftest import Visit
from tests.builders import make_backtest, make_completed_backtest


@pytest.fixture
def googl(book: Book) -> dict[str, Any]:
    """What trades eight years of days, some hundred times."""
    datasets.install()
    return {"instruments": [instrument_get("GOOGL")], "timeframe": "1d", "parameters": {"fast": 10, "slow": 20}}


def test_a_backtest_is_asked_for_followed_and_read(visit: Visit, book: Book, googl: dict[str, Any]) -> None:
    page = visit.page
    page.goto(f"{visit.base}/admin/strategies/backtest/add/")
    page.select_option("#id_rule", "sma_cross")
    expect(page.locator("#id_sma_cross__fast")).to_be_visible()
    expect(page.locator("#id_rsi__period")).to_be_hidden()
    page.select_option("#id_instruments", label="GOOGL", force=True)
    page.select_option("#id_timeframe", "1d")
    page.fill("#id_start", "2012-01-01")
    page.fill("#id_end", "2017-01-01")
    page.fill("#id_sma_cross__fast", "10")
    assert not visit.has_overflow()
    page.get_by_role("button", name="Run backtest").click()
    page.wait_for_url(re.compile(r"/strategies/backtest/[0-9a-f-]{36}/change/"))
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")

    backtest = Backtest.objects.get()
    assert (backtest.parameters, backtest.rule) == ({"fast": 10, "slow": 50}, "sma_cross")
    job_publish(backtest, status=JobStatus.RUNNING, progress=42, stage="GOOGL signals")
    expect(page.locator('[data-slot="percent"]')).to_have_text("42%")
    expect(page.locator('[data-slot="stage"]')).to_have_text("GOOGL signals")

    assert backtest_run(backtest_id=backtest.pk) == "completed"
    expect(page.get_by_role("heading", name="Equity and drawdown")).to_be_visible()
    backtest.refresh_from_db()
    expect(page.get_by_label("Return", exact=True)).to_contain_text(f"{(backtest.total_return or 0) * 100:+.2f}%")
    assert not visit.has_overflow()


def test_trades_and_chart_are_linked(visit: Visit, book: Book, googl: dict[str, Any]) -> None:
    backtest = make_completed_backtest(book.owner, **googl)
    page = visit.open(f"/admin/strategies/backtest/{backtest.pk}/change/")
    rows = page.locator("[data-trade]")
    expect(rows).to_have_count(backtest.trade_count or 0)
    assert not visit.has_overflow()
    oldest = rows.last
    with page.expect_response(re.compile(r"chart/.*trade=0")) as answer:
        oldest.click()
    times = [marker["time"] for marker in answer.value.json()["markers"] if marker["order"] == "0"]
    assert len(times) == 2
    expect(oldest).to_have_class(re.compile("is-chosen"))


def test_a_failed_backtest_says_why_and_offers_another_try(visit: Visit, book: Book, googl: dict[str, Any]) -> None:
    failed = make_backtest(book.owner, **googl, status=JobStatus.FAILED, error="The rule raised.", error_code="x")
    page = visit.open(f"/admin/strategies/backtest/{failed.pk}/change/")
    expect(page.get_by_text("The rule raised.")).to_be_visible()
    page.get_by_role("link", name="Change it and try again").click()
    expect(page.locator("#id_sma_cross__slow")).to_have_value("20")
    expect(page.locator("#id_timeframe")).to_have_value("1d")
    assert not visit.has_overflow()


def test_backtests_are_compared_from_the_list(visit: Visit, book: Book, googl: dict[str, Any]) -> None:
    for fast in (10, 15):
        make_completed_backtest(
            book.owner, **{**googl, "parameters": {"fast": fast, "slow": 20}, "name": f"Fast {fast}"}
        )
    page = visit.open("/admin/strategies/backtest/")
    assert not visit.has_overflow()
    for box in page.locator("#result_list input.action-select").all():
        box.check(force=True)
    page.select_option("select[name=action]", "compare", force=True)
    page.locator("button[name=index]").click()
    page.wait_for_url(re.compile("compare"))
    expect(page.get_by_role("row", name=re.compile("Total return"))).to_be_visible()
    expect(page.get_by_role("link", name="Fast 15")).to_be_visible()
    page.wait_for_function("window.__ready === true")
    assert not visit.has_overflow()
