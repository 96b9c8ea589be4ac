"""The console in a real browser: no error, no sideways scrolling, and what happens shows without a reload."""

from __future__ import annotations

import re
from decimal import Decimal

from playwright.sync_api import Browser, expect

from apps.accounts.models import User
from apps.common.events import publish
from apps.orders.models import Order
from apps.portfolio.models import Portfolio
from apps.portfolio.services import equity_snapshot
from apps.strategies.models import Strategy
from tests.apps.dashboard.conftest import Book
from tests.browser.conftest import Site, Visit
from tests.builders import MARKET_TIME, PASSWORD, make_order


def test_signing_in_leads_to_the_dashboard_in_the_dark_theme(browser: Browser, site: Site, user: User) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site.web}/admin/login/")
    page.fill("#id_username", user.email)
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{site.web}/admin/")
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    expect(page.get_by_text("No portfolio yet")).to_be_visible()
    expect(page.get_by_text("PAPER", exact=True)).to_be_visible()
    assert page.title().startswith("PAPER")
    context.close()


def test_the_dashboard_shows_the_portfolio_and_follows_it(visit: Visit, book: Book) -> None:
    page = visit.open("/admin/")
    equity = page.locator('[data-slot="equity"]')
    expect(equity).to_have_text("10,100.00")  # 10,000 in cash and 1 held at 100
    expect(page.locator('[data-slot="positions"] tr')).to_have_count(1)
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    assert not visit.has_overflow()

    Portfolio.objects.filter(pk=book.portfolio.pk).update(cash=Decimal(12_345))
    equity_snapshot(portfolio_ids=[book.portfolio.pk], at=MARKET_TIME)
    expect(equity).to_have_text("12,445.00")


def test_a_chart_candle_that_arrives_is_drawn(visit: Visit, book: Book) -> None:
    page = visit.open("/admin/market/?symbol=BTC/USD&timeframe=1h")
    price = page.locator('[data-slot="price"]')
    expect(price).to_have_text("102.00")  # 100 + 119 % 9
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    assert not visit.has_overflow()

    instrument = book.order.instrument
    newest = instrument.candles.order_by("-open_time").first()
    assert newest is not None
    newest.pk, newest.close, newest.high = None, Decimal(150), Decimal(150)
    newest.open_time = newest.close_time
    newest.save()
    publish("candles", {"symbol": instrument.symbol, "timeframe": "1h", "source": "replay"})
    expect(price).to_have_text("150.00")
    page.get_by_role("button", name="RSI").click()
    expect(page.locator('[data-slot="legend"]')).not_to_contain_text("RSI")


def test_an_order_that_fills_changes_in_the_list(visit: Visit, book: Book) -> None:
    page = visit.open("/admin/orders/order/")
    row = page.locator(f'#result_list tr:has(a[href*="{book.order.pk}"])')
    expect(row.locator(".badge[data-state]")).to_have_text("Open")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    assert not visit.has_overflow()

    Order.objects.filter(pk=book.order.pk).update(status="filled", filled_quantity=Decimal(1))
    publish("orders", {"id": str(book.order.pk)}, owner_id=book.owner.pk)
    expect(row.locator(".badge[data-state]")).to_have_text("Filled")

    added = make_order(book.portfolio)
    publish("orders", {"id": str(added.pk)}, owner_id=book.owner.pk)
    page.get_by_role("button", name="Show 1 new").click()
    expect(page.locator(f'#result_list a[href*="{added.pk}"]').first).to_be_visible()


def test_canceling_says_the_consequence_and_can_be_left(visit: Visit, book: Book) -> None:
    page = visit.open("/admin/orders/order/?state=open")
    page.locator("#result_list .field-actions_holder span.material-symbols-outlined").first.click()
    page.get_by_role("link", name="Cancel order").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("Buy 1.0000 BTC/USD, filled 0")
    dialog.get_by_role("button", name="Keep order").click()
    expect(dialog).to_be_hidden()
    assert Order.objects.get(pk=book.order.pk).cancel_requested_at is None

    visit.open("/admin/orders/order/?state=open")
    page.locator("#result_list .field-actions_holder span.material-symbols-outlined").first.click()
    page.get_by_role("link", name="Cancel order").click()
    dialog.get_by_role("button", name="Cancel order").click()
    expect(page.get_by_text("Cancellation requested.")).to_be_visible()
    assert Order.objects.get(pk=book.order.pk).cancel_requested_at is not None


def test_the_strategy_form_shows_the_chosen_rules_parameters(visit: Visit, book: Book) -> None:
    page = visit.page
    page.goto(f"{visit.base}/admin/strategies/strategy/add/")
    page.select_option("#id_rule", "rsi")
    expect(page.locator("#id_rsi__period")).to_be_visible()
    expect(page.locator("#id_macd__fast")).to_be_hidden()
    page.fill("#id_name", "Oversold")
    page.select_option("#id_portfolio", str(book.portfolio.pk))
    page.select_option("#id_instrument", str(book.order.instrument_id))
    page.select_option("#id_timeframe", "1h")
    page.fill("#id_rsi__period", "9")
    assert not visit.has_overflow()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/strategies/strategy/")
    assert Strategy.objects.get(name="Oversold").parameters["period"] == 9


def test_two_tabs_share_one_stream_and_both_hear(visit: Visit, book: Book) -> None:
    first = visit.open("/admin/")
    second = first.context.new_page()
    second.goto(f"{visit.base}/admin/")
    second.wait_for_function("window.__ready === true")
    for page in (first, second):
        expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    Portfolio.objects.filter(pk=book.portfolio.pk).update(cash=Decimal(20_000))
    equity_snapshot(portfolio_ids=[book.portfolio.pk], at=MARKET_TIME)
    for page in (first, second):
        expect(page.locator('[data-slot="equity"]')).to_have_text("20,100.00")
