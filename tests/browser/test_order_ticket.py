"""The order ticket in a real browser: it shows what the type needs, says what comes, and places one order."""

from __future__ import annotations

from playwright.sync_api import Locator, Request, Route, expect

from apps.orders.models import Order
from tests.apps.dashboard.conftest import Book
from tests.browser.conftest import SIZES, Visit


def opened(visit: Visit) -> Locator:
    page = visit.open("/admin/orders/order/")
    if page.viewport_size == SIZES["phone"]:
        page.locator("a[href='#']", has_text="more_horiz").click()
    page.get_by_role("link", name="New order").click()
    dialog = page.locator("#dialog")
    expect(dialog.get_by_role("button", name="Place order")).to_be_in_viewport()
    return dialog


def places(request: Request) -> bool:
    return request.method == "POST" and "ask=1" not in (request.post_data or "")


def held_up(route: Route) -> None:
    route.request.frame.page.wait_for_timeout(1_000)
    route.continue_()


def test_the_ticket_follows_what_is_typed_and_keeps_it_when_it_refuses(visit: Visit, book: Book) -> None:
    dialog = opened(visit)
    check = dialog.locator("#ticket-check")
    expect(dialog.locator("[name=limit_price]")).to_be_hidden()
    dialog.locator("[name=type]").select_option("limit")
    expect(dialog.locator("[name=limit_price]")).to_be_visible()
    expect(dialog.locator("[name=stop_price]")).to_be_hidden()
    dialog.locator("[name=size]").fill("200")
    dialog.locator("[name=limit_price]").fill("95")
    expect(check).to_contain_text("would pass 10 % of equity", timeout=15_000)
    before = dialog.locator("#dialog-form").element_handle()
    dialog.get_by_role("button", name="Place order").click()
    visit.page.wait_for_function("form => !form.isConnected", arg=before)
    expect(check.get_by_role("alert")).to_contain_text("would pass 10 % of equity")
    expect(dialog.locator("[name=size]")).to_have_value("200")
    expect(dialog.locator("[name=limit_price]")).to_be_visible()
    assert not Order.objects.filter(client_order_id__startswith="ticket-").exists()

    dialog.locator("[name=size]").fill("2")
    expect(check).to_contain_text("Buy 2.0000 BTC/USD at 95.00 or better", timeout=15_000)
    expect(dialog.get_by_role("button", name="Place order")).to_be_in_viewport()
    assert not visit.has_overflow()


def test_a_double_click_places_one_order(visit: Visit, book: Book) -> None:
    dialog = opened(visit)
    dialog.locator("[name=size]").fill("1")
    dialog.locator(".ticket-choice.is-sell").click()
    sent: list[str] = []
    visit.page.on("request", lambda request: sent.append(request.url) if places(request) else None)
    # The page that follows is slow, so that a second click is early however slow the first answer was.
    visit.page.route("**/admin/orders/order/", held_up)
    dialog.get_by_role("button", name="Place order").dblclick()
    expect(visit.page.get_by_text("Order placed: Sell 1.0000 BTC/USD at the market.").first).to_be_visible(
        timeout=15_000
    )
    assert len(sent) == 1
    order = Order.objects.get(client_order_id__startswith="ticket-")
    assert (order.side, order.type, order.quantity) == ("sell", "market", 1)
