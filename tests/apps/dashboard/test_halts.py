"""Halting and limits in the console: through the services, for whom they are, and said on every page."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from apps.accounts.models import AuditEvent, User
from apps.portfolio.models import PlatformLimits, RiskProfile, TradingHalt
from tests.apps.dashboard.conftest import Book, ConsoleFor
from tests.builders import make_halt

ADD = reverse("admin:portfolio_tradinghalt_add")
LIST = reverse("admin:portfolio_tradinghalt_changelist")
PLATFORM = reverse("admin:portfolio_platformlimits_changelist")
YES = {"_form_submitted": "on"}


def profile_page(book: Book) -> str:
    return reverse("admin:portfolio_riskprofile_change", args=[book.portfolio.risk_profile.pk])


def filled(book: Book, console_for: ConsoleFor) -> dict[str, object]:
    """Return the form of the portfolio's limits as it comes, filled in."""
    form = console_for(book.owner).get(profile_page(book)).context["adminform"].form
    found = {name: form[name].value() for name in form.fields}
    return {name: "on" if value is True else value for name, value in found.items() if value not in (None, False)}


def test_a_portfolio_is_halted_from_its_page(trader: User, book: Book, console_for: ConsoleFor) -> None:
    client = console_for(trader)
    url = reverse("admin:portfolio_portfolio_halt_portfolio", args=[book.portfolio.pk])
    assert "What is queued is not sent any more." in client.get(url).content.decode()
    client.post(url, {**YES, "mode": "reducing", "reason": "Testing.", "flatten": "on"})
    made = TradingHalt.objects.get()
    assert (made.portfolio, made.mode, made.flatten, made.started_by) == (book.portfolio, "reducing", True, trader)
    assert "reason" in client.post(url, {**YES, "mode": "halted"}).content.decode()
    assert TradingHalt.objects.count() == 1


def test_a_strategy_is_halted_from_the_list_of_halts(trader: User, book: Book, console_for: ConsoleFor) -> None:
    given = {"width": "strategy", "strategy": str(book.strategy.pk), "mode": "halted", "reason": "It drifts."}
    response = console_for(trader).post(ADD, given)
    assert response.status_code == 302
    made = TradingHalt.objects.get()
    assert (made.width, made.portfolio, made.book) == ("strategy", book.portfolio, book.strategy.slug)


def test_only_an_administrator_is_offered_the_platform(
    trader: User, admin: User, book: Book, console_for: ConsoleFor
) -> None:
    given = {"width": "platform", "mode": "halted", "reason": "Testing."}
    assert "width" in console_for(trader).post(ADD, given).context["adminform"].form.errors
    assert not TradingHalt.objects.exists()
    console_for(admin).post(ADD, given)
    assert TradingHalt.objects.get().width == "platform"


def test_another_traders_portfolio_cannot_be_chosen(
    trader: User, book: Book, other_book: Book, console_for: ConsoleFor
) -> None:
    given = {"width": "portfolio", "portfolio": str(other_book.portfolio.pk), "mode": "halted", "reason": "Testing."}
    assert "portfolio" in console_for(trader).post(ADD, given).context["adminform"].form.errors
    assert not TradingHalt.objects.exists()


def test_a_halt_is_ended_by_its_action(trader: User, book: Book, console_for: ConsoleFor) -> None:
    halt = make_halt(book.portfolio, cause="drawdown")
    client = console_for(trader)
    url = reverse("admin:portfolio_tradinghalt_end_halt", args=[halt.pk])
    assert "the drawdown is measured from the equity as it is" in client.get(url).content.decode()
    client.post(url, YES)
    halt.refresh_from_db()
    assert halt.ended_by == trader
    assert "This halt is over already." in client.post(url, YES).content.decode()


def test_every_page_says_what_halts_the_user_and_nothing_of_others(
    trader: User, admin: User, book: Book, other_book: Book, console_for: ConsoleFor
) -> None:
    make_halt(other_book.portfolio, reason="Of another.")
    client = console_for(trader)
    orders = reverse("admin:orders_order_changelist")
    assert 'class="halt-banner' not in client.get(orders).content.decode()
    make_halt(book.portfolio, reason="Of mine.")
    make_halt(mode="reducing", reason="Of everybody.")
    for url in (orders, reverse("admin:index"), reverse("admin:account"), LIST):
        page = client.get(url).content.decode()
        assert page.count('class="halt-banner') == 2
        assert page.index("The platform only reduces positions") < page.index("The portfolio Main is halted")
    assert "Of another." not in client.get(orders).content.decode()
    shown = console_for(admin).get(orders).content.decode()
    assert shown.count('class="halt-banner') == 1  # An administrator's own trading: the platform's alone.


def test_limits_are_changed_through_the_service(trader: User, book: Book, console_for: ConsoleFor) -> None:
    given = {**filled(book, console_for), "max_leverage": "2", "allowed_instruments": [str(book.order.instrument_id)]}
    assert console_for(trader).post(profile_page(book), given).status_code == 302
    profile = RiskProfile.objects.get(portfolio=book.portfolio)
    assert profile.max_leverage == 2
    assert list(profile.allowed_instruments.all()) == [book.order.instrument]
    changes = AuditEvent.objects.get(action="limits.changed").details["changes"]
    assert set(changes) == {"max_leverage", "allowed_instruments"}


def test_a_limit_above_the_platforms_is_said_at_its_field_beside_the_ceiling(
    trader: User, book: Book, console_for: ConsoleFor
) -> None:
    PlatformLimits.objects.create(max_leverage=Decimal("2.5"))
    assert "The platform allows 2.5." in console_for(trader).get(profile_page(book)).content.decode()
    given = {**filled(book, console_for), "max_leverage": "2.6"}
    response = console_for(trader).post(profile_page(book), given)
    assert response.context["adminform"].form.errors["max_leverage"] == ["Max leverage can be 2.5 at most."]
    assert RiskProfile.objects.get(portfolio=book.portfolio).max_leverage == 3


def test_the_platforms_limits_are_one_page_that_administrators_change(
    trader: User, admin: User, console_for: ConsoleFor
) -> None:
    page = console_for(trader).get(PLATFORM)
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert console_for(trader).post(PLATFORM, {"max_leverage": "9"}).status_code == 405
    assert not PlatformLimits.objects.exists()
    response = console_for(admin).post(PLATFORM, {"max_leverage": "2", "max_orders_per_minute": "60"})
    assert response.status_code == 302
    limits = PlatformLimits.objects.get()
    assert (limits.max_leverage, limits.max_orders_per_minute, limits.max_order_size) == (2, 60, None)
    assert AuditEvent.objects.filter(action="limits.changed", user_id=admin.pk).count() == 1


@pytest.mark.parametrize("count", [0, 2])
def test_the_sidebar_counts_the_halts_that_hold(count: int, trader: User, book: Book, console_for: ConsoleFor) -> None:
    for cause in ("person", "drawdown")[:count]:
        make_halt(book.portfolio, cause=cause)
    groups = console_for(trader).get(reverse("admin:index")).context["sidebar_navigation"]
    item = next(item for group in groups for item in group["items"] if item["title"] == "Trading halts")
    assert str(item["badge_callback"]) == (str(count) if count else "None")
