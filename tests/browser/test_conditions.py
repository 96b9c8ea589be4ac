"""The editor of a strategy without code: put together, saved, opened again, and told where it is wrong."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from apps.strategies.models import Strategy
from tests.apps.dashboard.conftest import Book
from tests.browser.conftest import Visit


def fill(page: Page, visit: Visit, book: Book) -> None:
    page.goto(f"{visit.base}/admin/strategies/strategy/add/")
    page.select_option("#id_rule", "conditions")
    page.fill("#id_name", "By hand")
    page.select_option("#id_portfolio", str(book.portfolio.pk))
    page.select_option("#id_instrument", str(book.order.instrument_id))
    page.select_option("#id_timeframe", "1h")


def test_conditions_are_put_together_saved_and_opened_again(visit: Visit, book: Book) -> None:
    page = visit.page
    fill(page, visit, book)
    entry = page.locator('[data-group="entry_long"]')
    expect(entry.locator(".condition")).to_have_count(2)  # the example
    entry.get_by_label("Remove this condition").first.click()
    expect(entry.locator(".condition")).to_have_count(1)
    entry.get_by_label("Right side: number").fill("65")
    leaving = page.locator('[data-group="exit_short"]')
    leaving.get_by_role("button", name="Add a condition").click()
    leaving.get_by_label("Left side", exact=True).select_option("bbands")
    leaving.get_by_label("Left side: output").select_option("lowerband")
    leaving.get_by_label("Comparison").select_option("between")
    leaving.get_by_label("Upper end: number").fill("120")
    assert not visit.has_overflow()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/strategies/strategy/")

    rules = Strategy.objects.get(name="By hand").parameters["rules"]
    assert rules["entry_long"]["conditions"] == [
        {"left": {"indicator": "rsi", "parameters": {"timeperiod": 14}}, "is": "below", "right": 65}
    ]
    added = rules["exit_short"]["conditions"][0]
    assert (added["left"]["output"], added["is"], added["upper"]) == ("lowerband", "between", 120)

    page.get_by_role("link", name="By hand").first.click()
    expect(page.locator('[data-group="entry_long"]').get_by_label("Right side: number")).to_have_value("65")
    expect(page.locator('[data-group="exit_short"]').get_by_label("Left side: output")).to_have_value("lowerband")


def test_a_fault_is_told_and_its_row_marked(visit: Visit, book: Book) -> None:
    page = visit.page
    fill(page, visit, book)
    page.locator('[data-group="entry_long"]').get_by_label("Left side: timeperiod").nth(1).fill("0")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("entry_long.conditions[1].left: timeperiod must be between 1 and 500")).to_be_visible()
    wrong = page.locator('[data-group="entry_long"] .condition').nth(1)
    expect(wrong).to_have_class(re.compile("is-wrong"))
    assert not Strategy.objects.filter(name="By hand").exists()
