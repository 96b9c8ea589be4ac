"""What a person meets when a page is refused, missing or expired: what to do, in the console's dress."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory

from apps.accounts.models import User
from apps.common.api.errors import server_error
from tests.apps.dashboard.conftest import Book, ConsoleFor


def test_a_page_of_another_role_says_so_and_leads_back(trader: User, console_for: ConsoleFor) -> None:
    answer = console_for(trader).get("/admin/accounts/user/")
    assert answer.status_code == 403
    text = answer.content.decode()
    assert "Your role does not show this page" in text
    assert 'href="/admin/"' in text


@pytest.mark.parametrize("path", ["/nowhere", "/admin/nowhere/"])
def test_a_missing_page_says_so_and_leads_back(trader: User, console_for: ConsoleFor, path: str) -> None:
    answer = console_for(trader).get(path)
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()


def test_the_api_answers_with_problems_and_not_with_pages(trader: User, console_for: ConsoleFor) -> None:
    answer = console_for(trader).get("/api/nowhere")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_an_expired_form_changes_nothing_and_says_so(trader: User, book: Book) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(trader)
    answer = client.post(f"/admin/strategies/strategy/{book.strategy.pk}/change/", {"name": "Taken over"})
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()
    book.strategy.refresh_from_db()
    assert book.strategy.name != "Taken over"


def test_a_failure_is_told_without_the_cause() -> None:
    answer = server_error(RequestFactory().get("/admin/"))
    assert answer.status_code == 500
    assert "Something failed on our side" in answer.content.decode()
