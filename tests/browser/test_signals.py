"""Deciding signals and making a webhook in a real browser: what will happen is said first, the secret is shown once."""

from __future__ import annotations

import os
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from apps.orders.models import Order
from apps.strategies.models import Signal, StrategyWebhook
from tests.apps.dashboard.conftest import Book
from tests.browser.conftest import Visit
from tests.builders import make_signal, make_strategy

PICTURES = os.environ.get("BROWSER_PICTURES", "")


def picture(visit: Visit, name: str) -> None:
    """Keep what the page looks like, where a folder for it is named."""
    if PICTURES and visit.page.viewport_size:
        visit.page.screenshot(path=f"{PICTURES}/{name}-{visit.page.viewport_size['width']}.png")


def choose(visit: Visit, name: str) -> None:
    """Choose an action of the page; a phone has them in a menu."""
    link = visit.page.get_by_role("link", name=name).locator("visible=true").first
    if not link.is_visible():
        visit.page.get_by_text("more_horiz").locator("visible=true").click()
    link.click()


def waiting_signal(book: Book, name: str) -> Signal:
    strategy = make_strategy(book.portfolio, name, instrument=book.order.instrument, enabled=True, needs_approval=True)
    return make_signal(strategy, outcome="awaiting", expires_at=timezone.now() + timedelta(minutes=9, seconds=30))


def test_a_waiting_signal_is_approved_and_another_declined(visit: Visit, book: Book) -> None:
    approved, declined = waiting_signal(book, "Patient"), waiting_signal(book, "Cautious")
    page = visit.page
    page.goto(f"{visit.base}/admin/strategies/signal/?outcome__exact=awaiting")
    expect(page.get_by_text("Awaits approval").first).to_be_visible()
    picture(visit, "signals-list")
    page.goto(f"{visit.base}/admin/strategies/signal/{approved.pk}/change/")
    choose(visit, "Approve")
    dialog = page.locator("#dialog")
    expect(dialog.get_by_text("BTC/USD at market, worth")).to_be_visible()
    expect(dialog.get_by_text("of strategy Patient; lapses in 9 minutes.")).to_be_visible()
    picture(visit, "signal-approve")
    dialog.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved: Patient has ordered.")).to_be_visible()
    order = Order.objects.get(signal=approved)
    assert order.client_order_id == f"signal-{approved.pk.hex}"
    page.goto(f"{visit.base}/admin/strategies/signal/{declined.pk}/change/")
    choose(visit, "Decline")
    expect(dialog.get_by_text("Nothing is traded; Cautious goes on with its next signal.")).to_be_visible()
    dialog.get_by_role("button", name="Decline").click()
    expect(page.get_by_text("The signal of Cautious is declined.")).to_be_visible()
    assert not Order.objects.filter(signal=declined).exists()
    assert not visit.has_overflow()


def test_a_webhook_is_made_and_its_secret_shown_once(visit: Visit, book: Book) -> None:
    page, place = visit.page, f"{visit.base}/admin/strategies/strategy/{book.strategy.pk}/change/"
    page.goto(place)
    panel = page.get_by_role("region", name="Webhook of this strategy")
    panel.get_by_role("link", name="Make a webhook").click()
    dialog = page.locator("#dialog")
    expect(dialog.get_by_text("Whoever has its secret can make the strategy trade")).to_be_visible()
    dialog.get_by_role("button", name="Make the webhook").click()
    expect(dialog.get_by_text("Copy it now: it is shown only this once.")).to_be_visible()
    secret = dialog.locator("#new-webhook-secret").inner_text()
    webhook = StrategyWebhook.objects.get()
    assert secret.startswith(f"hook_{webhook.prefix}_")
    assert secret in dialog.locator("#new-webhook-message").inner_text()
    picture(visit, "webhook-secret")
    dialog.get_by_role("link", name="I have copied it").click()
    expect(panel.get_by_text("/api/webhooks/tradingview")).to_be_visible()
    assert secret not in page.content()
    assert secret not in page.url
    panel.scroll_into_view_if_needed()
    picture(visit, "webhook-panel")
    panel.get_by_role("link", name="Change").click()
    dialog.get_by_label("Plain text is read by").fill("{action} {symbol} at {price}")
    picture(visit, "webhook-change")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is changed.")).to_be_visible()
    assert StrategyWebhook.objects.get().template == "{action} {symbol} at {price}"
    panel.get_by_role("link", name="Delete webhook").click()
    dialog.get_by_role("button", name="Delete webhook").click()
    expect(page.get_by_text("is deleted.")).to_be_visible()
    assert not StrategyWebhook.objects.exists()
    assert not visit.has_overflow()
