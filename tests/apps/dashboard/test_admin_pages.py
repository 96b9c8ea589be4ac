"""Every model has its page; who sees which rows, and who may write."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.common.console import FactAdmin
from apps.orders.models import Order, SeriesCursor
from tests.apps.dashboard.conftest import Book, ConsoleFor, book_of
from tests.builders import make_feed, make_history

OURS = ("accounts", "alerts", "marketdata", "brokers", "portfolio", "strategies", "orders")
WITHIN = {"Authenticator", "BackupCode", "BacktestResult", "Piece", "Trial"}
"""Told on another row's page: secrets on the user's, a result on its backtest's, trials on their search's."""
MODELS = [m for app in OURS for m in apps.get_app_config(app).get_models() if m.__name__ not in WITHIN]
JOBS = [
    apps.get_model(name)
    for name in (
        "django_celery_beat.PeriodicTask", "django_celery_beat.IntervalSchedule", "django_celery_beat.CrontabSchedule",
        "django_celery_results.TaskResult", "auth.Group", "axes.AccessAttempt",
    )
]  # fmt: skip
FACTS = [model for model in MODELS if isinstance(admin.site._registry.get(model), FactAdmin)]
OWNED = ["order", "filled", "fill", "position", "portfolio", "strategy", "signal", "snapshot", "version", "performance"]


def page(model: type[Model] | Model, name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def label(model: type[Model]) -> str:
    return model._meta.label


@pytest.mark.parametrize("model", [*MODELS, *JOBS], ids=label)
def test_an_admin_opens_the_list_and_a_row_of_every_model(
    model: type[Model], admin: User, book: Book, console_for: ConsoleFor
) -> None:
    SeriesCursor.objects.create(feed=make_feed(book.order.instrument))
    make_history(book.order.instrument)
    client = console_for(admin)
    assert client.get(page(model, "changelist")).status_code == 200
    row = model._default_manager.first()
    if row is not None:
        response = client.get(page(model, "change", row.pk))
        assert response.status_code == 200
        assert "unfold" in response.content.decode()


def test_facts_are_the_models_that_only_the_engine_writes() -> None:
    assert {model._meta.model_name for model in FACTS} == {
        "candle", "paperorder", "paperTrade".lower(), "position", "equitysnapshot", "signal", "strategyversion",
        "strategyperformance", "order", "orderevent", "fill", "seriescursor", "auditevent", "apikey", "apisession",
        "laggingaccount", "alert", "gap", "gapscan", "marketsession", "reconciliation", "strategywebhook",
        "webhookdelivery",
    }  # fmt: skip


@pytest.mark.parametrize("model", FACTS, ids=label)
def test_nobody_adds_changes_or_deletes_a_fact(
    model: type[Model], admin: User, book: Book, console_for: ConsoleFor
) -> None:
    SeriesCursor.objects.create(feed=make_feed(book.order.instrument))
    client = console_for(admin)
    before = model._default_manager.count()
    assert client.post(page(model, "add"), {}).status_code == 403
    for row in model._default_manager.all()[:1]:
        assert client.post(page(model, "change", row.pk), {"quantity": "9"}).status_code == 403
        assert client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model._default_manager.count() == before


@pytest.mark.parametrize("name", OWNED)
def test_a_trader_finds_their_own_row_and_not_anothers(
    name: str, trader: User, book: Book, other_book: Book, console_for: ConsoleFor
) -> None:
    client = console_for(trader)
    mine, theirs = getattr(book, name), getattr(other_book, name)
    assert client.get(page(mine, "change", mine.pk)).status_code == 200
    assert client.get(page(theirs, "change", theirs.pk)).status_code == 302
    listed = {str(row.pk) for row in client.get(page(mine, "changelist")).context["cl"].result_list}
    assert str(mine.pk) in listed
    assert str(theirs.pk) not in listed


@pytest.mark.parametrize("name", OWNED)
def test_an_admin_finds_the_rows_of_all(
    name: str, admin: User, book: Book, other_book: Book, console_for: ConsoleFor
) -> None:
    client = console_for(admin)
    listed = {str(row.pk) for row in client.get(page(getattr(book, name), "changelist")).context["cl"].result_list}
    assert {str(getattr(book, name).pk), str(getattr(other_book, name).pk)} <= listed


@pytest.mark.parametrize("model", ["accounts.User", "auth.Group", "django_celery_beat.PeriodicTask"])
def test_a_trader_does_not_see_the_platforms_own_pages(model: str, trader: User, console_for: ConsoleFor) -> None:
    assert console_for(trader).get(page(apps.get_model(model), "changelist")).status_code == 403


def test_a_viewer_reads_and_writes_nothing(viewer: User, console_for: ConsoleFor) -> None:
    book = book_of(viewer)
    client = console_for(viewer)
    assert client.get(page(book.strategy, "change", book.strategy.pk)).status_code == 200
    for model, row in (("strategy", book.strategy), ("portfolio", book.portfolio)):
        assert client.post(page(row, "change", row.pk), {"name": "Other"}).status_code == 403, model
        assert client.post(page(row, "add"), {"name": "New"}).status_code == 403, model
    assert client.post(page(book.order, "cancel_order", book.order.pk), {"_form_submitted": "on"}).status_code == 403
    book.strategy.refresh_from_db()
    assert book.strategy.name == "Reversion of viewer"


@pytest.mark.parametrize(
    "name", ["order", "fill", "position", "strategy", "signal", "portfolio", "snapshot", "version", "performance"]
)
def test_a_lists_queries_do_not_grow_with_its_rows(
    name: str, trader: User, book: Book, console_for: ConsoleFor
) -> None:
    client = console_for(trader)
    url = page(getattr(book, name), "changelist")
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(url)
    for number in range(5):
        book_of_more(trader, number)
    with CaptureQueriesContext(connection) as many:
        client.get(url)
    assert len(many) <= len(few) + 1  # a list that gained a second portfolio may offer one more filter
    assert len(many) < 30


def book_of_more(trader: User, number: int) -> None:
    book_of(trader, f"More {number}")


def test_the_sidebar_counts_the_open_orders_that_the_user_may_see(
    trader: User, book: Book, other_book: Book, console_for: ConsoleFor
) -> None:
    assert Order.objects.filter(status="open").count() == 2
    groups = console_for(trader).get(reverse("admin:index")).context["sidebar_navigation"]
    orders = next(item for group in groups for item in group["items"] if item["title"] == "Orders")
    assert str(orders["badge_callback"]) == "1"
    titles = {item["title"] for group in groups for item in group["items"] if item["has_permission"]}
    assert "Users" not in titles
    assert {"Dashboard", "Market data", "Positions", "Strategies", "Signals"} <= titles


@pytest.mark.parametrize(("live", "word"), [(False, "PAPER"), (True, "LIVE")])
def test_every_page_says_whether_real_money_is_traded(
    live: bool, word: str, trader: User, settings: Any, console_for: ConsoleFor
) -> None:
    settings.LIVE_TRADING = live
    content = console_for(trader).get(reverse("admin:orders_order_changelist")).content.decode()
    title = content.partition("<title>")[2].partition("</title>")[0]
    assert title.strip().startswith(word)


def test_no_page_of_ours_has_an_inline_script(trader: User, book: Book, console_for: ConsoleFor) -> None:
    client = console_for(trader)
    for url in (reverse("admin:index"), reverse("admin:market"), page(book.order, "changelist")):
        content = client.get(url).content.decode()
        inline = [
            part for part in content.split("<script")[1:]
            if "src=" not in part.partition(">")[0] and 'type="application/json"' not in part.partition(">")[0]
        ]  # fmt: skip
        assert inline == [], url
        assert " onclick=" not in content
