"""What changes state is a POST with a token, says its consequence first, and ends in a service."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.orders.models import Order
from apps.strategies.models import Strategy
from tests.apps.dashboard.conftest import Book, ConsoleFor
from tests.builders import make_candles_rows, make_feed, make_order

YES = {"_form_submitted": "on"}


def cancel_url(order: Order) -> str:
    return reverse("admin:orders_order_cancel_order", args=[order.pk])


def is_asked(order: Order) -> bool:
    order.refresh_from_db()
    return order.cancel_requested_at is not None


def test_asking_to_cancel_says_what_and_changes_nothing(trader: User, book: Book, console_for: ConsoleFor) -> None:
    response = console_for(trader).get(cancel_url(book.order))
    text = response.content.decode()
    assert "Buy 1.0000 BTC/USD, filled 0" in text
    assert "Keep order" in text
    assert not is_asked(book.order)


def test_confirming_asks_the_venue_for_the_end_of_the_order(trader: User, book: Book, console_for: ConsoleFor) -> None:
    response = console_for(trader).post(cancel_url(book.order), YES, headers={"HX-Request": "true"})
    assert response.headers["HX-Redirect"] == reverse("admin:orders_order_changelist")
    assert is_asked(book.order)


def test_a_post_without_the_token_is_refused(trader: User, book: Book) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(trader)
    assert client.post(cancel_url(book.order), YES).status_code == 403
    assert not is_asked(book.order)


def test_anothers_order_is_not_found(trader: User, book: Book, other_book: Book, console_for: ConsoleFor) -> None:
    client = console_for(trader)
    assert client.get(cancel_url(other_book.order)).status_code == 404
    assert client.post(cancel_url(other_book.order), YES).status_code == 404
    assert not is_asked(other_book.order)


def test_a_finished_order_cannot_be_canceled(trader: User, book: Book, console_for: ConsoleFor) -> None:
    response = console_for(trader).post(cancel_url(book.filled), YES)
    assert "nothing is left to cancel" in response.content.decode()
    assert not is_asked(book.filled)


def test_cancel_all_takes_the_users_own_open_orders_only(
    trader: User, book: Book, other_book: Book, console_for: ConsoleFor
) -> None:
    second = make_order(book.portfolio)
    client = console_for(trader)
    url = reverse("admin:orders_order_cancel_all")
    assert "2 open orders will be canceled." in client.get(url).content.decode()
    client.post(url, YES)
    assert is_asked(book.order)
    assert is_asked(second)
    assert not is_asked(book.filled)
    assert not is_asked(other_book.order)


def test_closing_a_position_places_a_market_order_against_it(trader: User, book: Book, console_for: ConsoleFor) -> None:
    make_candles_rows(book.position.instrument, [100])
    client = console_for(trader)
    url = reverse("admin:portfolio_position_close_position", args=[book.position.pk])
    assert "Sell 1.0000 BTC/USD at the market" in client.get(url).content.decode()
    before = set(Order.objects.values_list("pk", flat=True))
    client.post(url, YES)
    (made,) = Order.objects.exclude(pk__in=before)
    assert (made.side, made.type, made.quantity, made.reduce_only, made.book) == (
        "sell", "market", book.position.quantity, True, book.strategy.slug,
    )  # fmt: skip


def test_a_strategy_is_switched_by_its_actions(trader: User, book: Book, console_for: ConsoleFor) -> None:
    client = console_for(trader)
    enable = reverse("admin:strategies_strategy_enable_strategy", args=[book.strategy.pk])
    disable = reverse("admin:strategies_strategy_disable_strategy", args=[book.strategy.pk])
    client.get(enable)
    assert not Strategy.objects.get(pk=book.strategy.pk).enabled
    client.post(enable, YES)
    assert Strategy.objects.get(pk=book.strategy.pk).enabled
    assert "long position of 1.0000 BTC/USD stays open" in client.get(disable).content.decode()
    client.post(disable, YES)
    assert not Strategy.objects.get(pk=book.strategy.pk).enabled


@pytest.mark.parametrize(
    ("enabled", "offered"), [(False, ["Enable", "Duplicate", "Delete"]), (True, ["Disable", "Duplicate"])]
)
def test_a_strategys_page_offers_what_does_something(
    enabled: bool, offered: list[str], trader: User, book: Book, console_for: ConsoleFor
) -> None:
    Strategy.objects.filter(pk=book.strategy.pk).update(enabled=enabled)
    response = console_for(trader).get(reverse("admin:strategies_strategy_change", args=[book.strategy.pk]))
    assert [each["title"] for each in response.context["actions_detail"]] == offered


@pytest.mark.parametrize(("role", "status"), [("admin", 302), ("trader", 403)])
def test_only_an_admin_switches_a_feed(
    role: str, status: int, request: pytest.FixtureRequest, console_for: ConsoleFor
) -> None:
    user: User = request.getfixturevalue(role)
    feed = make_feed(enabled=False)
    url = reverse("admin:marketdata_feed_enable_feed", args=[feed.pk])
    assert console_for(user).post(url, YES).status_code == status
    feed.refresh_from_db()
    assert feed.enabled is (status == 302)
