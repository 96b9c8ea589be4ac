"""A connection from its form to its test, in a real browser: fields by kind, a dialog for the key, what was told."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from apps.brokers.adapters.exchange.rights import EVERY_ADDRESS, MAY_WITHDRAW
from apps.brokers.models import BrokerConnection
from tests.apps.dashboard.conftest import Book
from tests.browser.conftest import Visit

KEY, SECRET = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zv", "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP"
TEST = {
    "ok": True, "code": "", "message": "", "can_read": True, "can_trade": True, "can_withdraw": True,
    "is_ip_restricted": False, "warnings": [MAY_WITHDRAW, EVERY_ADDRESS], "rests": ["limit", "market", "stop"],
}  # fmt: skip


def test_the_form_asks_for_what_the_kind_has(visit: Visit, book: Book) -> None:
    page = visit.page
    page.goto(f"{visit.base}/admin/brokers/brokerconnection/add/")
    expect(page.locator("#id_commission_rate")).to_be_visible()
    expect(page.locator("#id_exchange")).to_be_hidden()
    page.select_option("#id_kind", "ccxt")
    expect(page.locator("#id_exchange")).to_be_visible()
    expect(page.locator("#id_commission_rate")).to_be_hidden()
    page.fill("#id_name", "Binance")
    page.select_option("#id_exchange", "binance")
    shot(page, visit, "form")
    assert not visit.has_overflow()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/brokerconnection/")
    made = BrokerConnection.objects.get(name="Binance")
    assert (made.exchange, made.sandbox, made.owner) == ("binance", True, book.owner)


def test_a_key_is_typed_into_a_dialog_and_what_it_may_do_is_told(visit: Visit, book: Book) -> None:
    connection = BrokerConnection.objects.create(
        owner=book.owner, name="Binance", kind="ccxt", exchange="binance", sandbox=False
    )
    page = visit.page
    page.goto(f"{visit.base}/admin/brokers/brokerconnection/{connection.pk}/change/")
    expect(page.locator("#connection-test")).to_contain_text("No key")
    action(page, "Set credentials").click()
    page.fill("#modal-content input[name=key]", KEY)
    page.fill("#modal-content input[name=secret]", SECRET)
    shot(page, visit, "dialog")
    page.locator("#modal-content button[type=submit]").click()
    expect(page.locator("#connection-test")).to_contain_text("Not tested")
    assert KEY not in page.content()

    BrokerConnection.objects.filter(pk=connection.pk).update(test_result={"asked_at": "2026-01-01T00:00:00+00:00"})
    page.reload()
    expect(page.locator("#connection-test")).to_contain_text("Asking binance")
    BrokerConnection.objects.filter(pk=connection.pk).update(test_result=TEST, tested_at=datetime.now(UTC))
    expect(page.locator("#connection-test")).to_contain_text("The key works")  # without a reload
    expect(page.locator("#connection-test")).to_contain_text(MAY_WITHDRAW)
    shot(page, visit, "tested")
    assert not visit.has_overflow()
    page.goto(f"{visit.base}/admin/brokers/brokerconnection/")
    expect(page.get_by_text("May withdraw").first).to_be_visible()
    shot(page, visit, "list")
    assert not visit.has_overflow()


def action(page: Page, name: str) -> Locator:
    """Return an action's link; on a phone the list of them is opened first."""
    more = page.locator("a", has_text="more_horiz").first
    if more.is_visible():
        more.click()
    return page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name)).first


def shot(page: Page, visit: Visit, name: str) -> None:
    folder = os.environ.get("SHOTS")
    if folder:
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=str(Path(folder) / f"{name}-{width}.png"))
