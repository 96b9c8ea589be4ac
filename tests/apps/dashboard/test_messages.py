"""What a page tells once is told to a person, not to a script that reads the page for its rows."""

from __future__ import annotations

from django.urls import reverse

from apps.accounts.models import User
from tests.apps.dashboard.conftest import Book, ConsoleFor

TOLD = "Cancellation requested: 1 open order will be canceled."


def test_a_page_read_in_the_background_leaves_its_message_to_the_reader(
    trader: User, book: Book, console_for: ConsoleFor
) -> None:
    client = console_for(trader)
    page = reverse("admin:orders_order_changelist")
    client.post(reverse("admin:orders_order_cancel_all"), {"_form_submitted": "on"})
    for _ in range(2):
        behind = client.get(page, headers={"X-Background": "1"}).text
        assert str(book.order.pk) in behind
        assert TOLD not in behind
    assert TOLD in client.get(page).text
    assert TOLD not in client.get(page).text
