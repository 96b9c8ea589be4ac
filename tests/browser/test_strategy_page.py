"""A strategy's page in a real browser: its figures and history fit, and a version comes back by its dialog."""

from __future__ import annotations

from decimal import Decimal

from playwright.sync_api import expect

from apps.strategies.models import Strategy
from apps.strategies.services import strategy_configure
from tests.apps.dashboard.conftest import Book
from tests.browser.conftest import SIZES, Visit
from tests.builders import make_performance

MISSING = {
    "entered": "2024-03-01T12:00:00Z", "side": "long", "quantity": "2", "entry_price": "100", "closed_at": None,
    "pnl": "-12.5",
}  # fmt: skip


def test_an_older_version_is_restored_from_the_history(visit: Visit, book: Book) -> None:
    strategy_configure(strategy=book.strategy, parameters={"period": 9}, direction="both")
    make_performance(
        book.strategy, drift_percent=Decimal("-0.125"), backtest_trades=3,
        details={"missing": [MISSING], "extra": [], "differing": []},
    )  # fmt: skip
    page = visit.page
    page.goto(f"{visit.base}/admin/strategies/strategy/{book.strategy.pk}/change/")
    history = page.get_by_role("region", name="History of this strategy")
    expect(history.get_by_text("Direction long_only → both; Period 14 → 9")).to_be_visible()
    page.get_by_text("Only in the backtest: 1").click()
    expect(page.get_by_text("2024-03-01T12:00 long 2 at 100: -12.5")).to_be_visible()
    history.get_by_role("link", name="Restore").click()
    dialog = page.locator("#dialog")
    expect(dialog.get_by_text("This becomes version 3.")).to_be_visible()
    dialog.get_by_role("button", name="Restore version").click()
    expect(page.get_by_text("is again what it was in version 1.")).to_be_visible()
    assert Strategy.objects.get(pk=book.strategy.pk).parameters["period"] == 14
    assert not visit.has_overflow()
    assert visit.problems == []


def test_a_copy_is_made_from_the_dialog(visit: Visit, book: Book) -> None:
    page = visit.page
    page.goto(f"{visit.base}/admin/strategies/strategy/{book.strategy.pk}/change/")
    if page.viewport_size == SIZES["phone"]:
        page.get_by_text("more_horiz").locator("visible=true").click()
    page.get_by_role("link", name="Duplicate").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Name").fill("The other one")
    dialog.get_by_role("button", name="Make the copy").click()
    expect(page.get_by_text("the copy is disabled")).to_be_visible()
    expect(page.get_by_role("link", name="The other one")).to_be_visible()
    assert visit.problems == []
