"""A strategy's pages: its history and figures, its copies, the archive, and the way back to an older version."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.strategies.models import Strategy, StrategyVersion
from apps.strategies.services import strategy_configure
from tests.apps.dashboard.conftest import Book, ConsoleFor
from tests.builders import make_order, make_performance, make_portfolio, make_position, make_strategy

YES = {"_form_submitted": "on"}
LIST = reverse("admin:strategies_strategy_changelist")


def url(action: str, row: Any, model: str = "strategy") -> str:
    return reverse(f"admin:strategies_{model}_{action}", args=[row.pk])


@pytest.fixture
def client(trader: User, console_for: ConsoleFor) -> Client:
    return console_for(trader)


@pytest.fixture
def idle(book: Book) -> Strategy:
    """Return a strategy of the trader's that never traded."""
    return make_strategy(book.portfolio, "Idle", rule="sma_cross", sizing_value=D(5))


def text(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


def test_the_page_shows_what_each_version_changed_and_who_did_it(client: Client, idle: Strategy) -> None:
    client.post(url("change", idle), form_of(idle, sma_cross__fast=12, sizing_value="7.5"))
    assert Strategy.objects.get(pk=idle.pk).version == 2
    page = text(client, url("change", idle))
    assert "Sizing value 5 → 7.5; Fast 20 → 12" in page
    first, second = StrategyVersion.objects.filter(strategy=idle).order_by("number")
    assert second.changed_by is not None
    assert f'hx-get="{url("restore_version", first, "strategyversion")}"' in page
    assert url("restore_version", second, "strategyversion") not in page, "it is the present one"


def form_of(strategy: Strategy, **changes: object) -> dict[str, object]:
    """Return what the strategy's form sends, with these changes."""
    names = ("name", "rule", "direction", "sizing_mode", "sizing_value", "min_confidence", "approval_minutes")
    sent: dict[str, object] = {name: getattr(strategy, name) for name in names}
    sent |= {f"{strategy.rule}__{name}": value for name, value in strategy.parameters.items()}
    return {**sent, "protect": "on", **changes}


def test_an_older_version_is_restored_by_a_dialog_that_says_what_changes(client: Client, idle: Strategy) -> None:
    strategy_configure(strategy=idle, parameters={"fast": 12}, protect=False)
    first = StrategyVersion.objects.get(strategy=idle, number=1)
    restore = url("restore_version", first, "strategyversion")
    asked = text(client, restore)
    assert "This becomes version 3. It stays disabled." in asked
    for change in ("12 → 20", "no → yes"):
        assert change in asked
    client.post(restore, YES)
    strategy = Strategy.objects.get(pk=idle.pk)
    assert (strategy.version, strategy.parameters["fast"], strategy.protect) == (3, 20, True)
    assert "The strategy is like this already." in client.post(restore, YES).content.decode()
    assert Strategy.objects.get(pk=idle.pk).version == 3


def test_anothers_version_is_not_restored(client: Client, other_book: Book) -> None:
    restore = url("restore_version", other_book.version, "strategyversion")
    assert client.get(restore).status_code == client.post(restore, YES).status_code == 404


def test_a_copy_goes_where_the_dialog_says(client: Client, book: Book, idle: Strategy, other_book: Book) -> None:
    second = make_portfolio(book.owner, "Second")
    asked = text(client, url("duplicate_strategy", idle))
    assert 'value="Idle copy"' in asked
    assert str(second.pk) in asked
    assert str(other_book.portfolio.pk) not in asked
    client.post(url("duplicate_strategy", idle), {**YES, "name": "There", "portfolio": second.pk, "timeframe": "4h"})
    copy = Strategy.objects.get(name="There")
    assert (copy.portfolio, copy.instrument, copy.timeframe) == (second, idle.instrument, "4h")
    assert (copy.parameters, copy.enabled) == (idle.parameters, False)
    client.post(url("duplicate_strategy", idle), {**YES, "portfolio": other_book.portfolio.pk})
    assert not Strategy.objects.filter(portfolio=other_book.portfolio).exclude(pk=other_book.strategy.pk).exists()


def test_a_name_that_is_taken_is_told_and_nothing_is_copied(client: Client, idle: Strategy) -> None:
    before = Strategy.objects.count()
    response = client.post(url("duplicate_strategy", idle), {**YES, "name": "Idle"}, follow=True)
    assert "already exists" in response.content.decode()
    assert Strategy.objects.count() == before


def test_what_never_traded_is_deleted_and_what_did_goes_into_the_archive(
    client: Client, book: Book, idle: Strategy
) -> None:
    traded = make_strategy(book.portfolio, "Traded")
    make_order(book.portfolio, strategy=traded, status="filled", filled_quantity=D(1))
    assert "It never traded: it is deleted for good" in text(client, url("delete_strategy", idle))
    assert "It has traded, so it goes into the archive" in text(client, url("delete_strategy", traded))
    for strategy in (idle, traded):
        client.post(url("delete_strategy", strategy), YES)
    assert not Strategy.objects.filter(pk=idle.pk).exists()
    assert listed(client) == {book.strategy}
    assert listed(client, archived="yes") == {traded}
    page = client.get(url("change", traded))
    assert [each["title"] for each in page.context["actions_detail"]] == ["Duplicate", "Take out of the archive"]
    client.post(url("unarchive_strategy", traded), YES)
    assert listed(client) == {book.strategy, traded}


def listed(client: Client, **query: str) -> set[Strategy]:
    return set(client.get(LIST, query).context["cl"].result_list)


def test_a_strategy_that_holds_a_position_is_kept_and_says_why(client: Client, idle: Strategy) -> None:
    make_position(idle.portfolio, book=idle.slug)
    response = client.post(url("delete_strategy", idle), YES, follow=True)
    assert "Idle holds a position; close it first." in response.content.decode()
    Strategy.objects.filter(pk=idle.pk).update(enabled=True)
    assert "disable it first" in client.post(url("delete_strategy", idle), YES).content.decode()
    assert Strategy.objects.get(pk=idle.pk).archived_at is None


@pytest.mark.parametrize(
    ("percent", "shown"),
    [("0.0400", '<span class="tone-flat">+0.04 %</span>'), ("-0.5", '<span class="tone-warn">\u22120.50 %</span>'),
     ("1.25", '<span class="tone-down">+1.25 %</span>'), ("-0.001", '<span class="tone-flat">0.00 %</span>')],
)  # fmt: skip
def test_the_newest_drift_is_listed_in_the_color_of_its_size(
    percent: str, shown: str, client: Client, book: Book
) -> None:
    make_performance(book.strategy, drift_percent=D(percent))
    assert shown in client.get(LIST).content.decode()
    assert shown in client.get(url("change", book.strategy)).content.decode()


def test_the_page_shows_live_and_backtest_side_by_side_with_what_is_not_the_same(client: Client, book: Book) -> None:
    missing = {
        "entered": "2024-03-01T12:00:00Z", "side": "long", "quantity": "2", "entry_price": "100", "closed_at": None,
        "pnl": "-12.5",
    }  # fmt: skip
    make_performance(
        book.strategy, drift_percent=D("-0.125"), backtest_trades=3, matched_share=2 / 3, backtest_pnl=D("62.5"),
        details={"missing": [missing], "extra": [], "differing": []},
    )  # fmt: skip
    page = text(client, url("change", book.strategy))
    assert '<td class="is-figure">2</td><td class="is-figure">3</td>' in page
    assert "2 trades are the same (67 %)" in page
    assert "Only in the backtest: 1" in page
    assert "2024-03-01T12:00 long 2 at 100: -12.5" in page
    assert "of 10,000.00" in page


def test_a_viewer_reads_the_history_and_is_offered_no_way_back(viewer: User, console_for: ConsoleFor) -> None:
    strategy = make_strategy(make_portfolio(viewer, "Mine"))
    strategy_configure(strategy=strategy, parameters={"period": 9})
    page = text(console_for(viewer), url("change", strategy))
    assert "Period 14 → 9" in page
    assert "restore_version" not in page
