"""Positions in the console: margin shown, protection and leverage changed, parts and all closed, the ledger read."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.orders.models import Order
from apps.portfolio.models import Position
from tests.apps.dashboard.conftest import Book, ConsoleFor
from tests.builders import make_candles_rows, make_fill, make_order

YES = {"_form_submitted": "on"}


@pytest.fixture
def priced(book: Book) -> Book:
    make_candles_rows(book.position.instrument, [100])
    return book


def action_url(name: str, position: Position) -> str:
    return reverse(f"admin:portfolio_position_{name}", args=[position.pk])


def test_a_position_shows_its_margin(trader: User, book: Book, console_for: ConsoleFor) -> None:
    Position.objects.update(leverage=Decimal(3), collateral=Decimal("33.33"), liquidation_price=Decimal("98.33"))
    client = console_for(trader)
    page = client.get(reverse("admin:portfolio_position_change", args=[book.position.pk])).content.decode()
    assert "3 \N{MULTIPLICATION SIGN}" in page
    assert "98.33" in page
    assert 'data-state="caution"' in page
    listed = client.get(reverse("admin:portfolio_position_changelist")).content.decode()
    assert "98.33" in listed
    assert "33 %" in listed


def test_closing_a_part_says_of_what_and_places_an_order(trader: User, priced: Book, console_for: ConsoleFor) -> None:
    client, url = console_for(trader), action_url("close_part", priced.position)
    assert "Sell a part of 1.0000 BTC/USD" in client.get(url).content.decode()
    client.post(url, {**YES, "quantity": "0.25"})
    order = Order.objects.get(role="exit")
    assert (order.side, order.quantity, order.book) == ("sell", Decimal("0.25"), priced.position.book)


def test_protection_is_changed_by_what_was_changed_in_the_form(
    trader: User, priced: Book, console_for: ConsoleFor
) -> None:
    Position.objects.update(take_profit=Decimal(120))
    client, url = console_for(trader), action_url("change_protection", priced.position)
    assert 'value="120"' in client.get(url).content.decode()
    client.post(url, {**YES, "stop_loss": "95", "take_profit": "120"})
    (order,) = Order.objects.filter(portfolio=priced.portfolio, role__in=["stop_loss", "take_profit"])
    assert (order.role, order.stop_price) == ("stop_loss", Decimal(95))
    priced.position.refresh_from_db()
    assert (priced.position.stop_loss, priced.position.take_profit) == (Decimal(95), Decimal(120))


def test_leverage_is_set_within_the_limit(trader: User, priced: Book, console_for: ConsoleFor) -> None:
    client, url = console_for(trader), action_url("set_leverage", priced.position)
    client.post(url, {**YES, "leverage": "9", "margin_mode": "cross"})
    priced.position.refresh_from_db()
    assert priced.position.leverage == 1
    client.post(url, {**YES, "leverage": "2", "margin_mode": "isolated"})
    priced.position.refresh_from_db()
    assert (priced.position.leverage, priced.position.margin_mode) == (2, "isolated")
    assert priced.position.liquidation_price == Decimal("97.5")


def test_closing_all_lists_the_users_own_positions_and_counts_once(
    trader: User, priced: Book, other_book: Book, console_for: ConsoleFor
) -> None:
    client, url = console_for(trader), reverse("admin:portfolio_position_close_all")
    page = client.get(url).content.decode()
    assert "1 position will be closed at the market" in page
    found = re.search(r'name="key"[^>]*value="([^"]+)"', page)
    assert found
    for _ in range(2):
        client.post(url, {**YES, "key": found[1]})
    (order,) = Order.objects.filter(role="exit")
    assert order.portfolio == priced.portfolio


def test_a_closed_position_offers_nothing_to_do(trader: User, book: Book, console_for: ConsoleFor) -> None:
    Position.objects.update(closed_at=book.position.opened_at, quantity=0)
    page = console_for(trader).get(reverse("admin:portfolio_position_change", args=[book.position.pk]))
    assert "close_position" not in page.content.decode()


def test_the_ledger_shows_ones_own_portfolio_by_either_method(
    trader: User, book: Book, other_book: Book, console_for: ConsoleFor
) -> None:
    sale = make_order(book.portfolio, side="sell", book="manual")
    make_fill(make_order(book.portfolio), price=Decimal(70))
    make_fill(sale, price=Decimal(100))
    client, url = console_for(trader), reverse("admin:portfolio_position_ledger_page")
    for method, selected in (("average", "Average cost"), ("fifo", "First in, first out")):
        page = client.get(url, {"method": method, "portfolio": str(other_book.portfolio.pk)}).content.decode()
        assert f'value="{method}" selected>{selected}' in page
        assert str(other_book.portfolio.pk) not in page
        assert f"/api/portfolios/{book.portfolio.pk}/ledger.csv?method={method}" in page
    assert client.get(url, {"portfolio": "rubbish"}).status_code == 200
