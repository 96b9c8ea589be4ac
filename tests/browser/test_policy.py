"""Every page under its content security policy: nothing that a page needs is refused, nothing planted runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from django_celery_results.models import GroupResult, TaskResult
from playwright.sync_api import Browser, Page, TimeoutError, expect

from apps.accounts.models import Role
from apps.orders.models import SeriesCursor
from apps.strategies.models import Strategy
from tests.apps.dashboard.conftest import Book
from tests.browser.conftest import SIZES, Site, Visit, _watch
from tests.builders import MARKET_TIME, make_feed, make_user

NOT_PAGES = re.compile(r"jsi18n|autocomplete|/r/|logout|data/|search|catch|<(?!path:object_id>)|toggle")
REDOC_LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"
"""Redoc asks for it and offers no way not to; that it gets no answer is what the policy is for."""
WATCH = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`violation of ${event.effectiveDirective}: ${event.blockedURI} ${event.sourceFile}`));
"""


@pytest.fixture(params=["dark", pytest.param("light", marks=pytest.mark.long)])
def watched(request: pytest.FixtureRequest, browser: Browser, site: Site, book: Book) -> Iterator[Visit]:
    """Return a page of an administrator in one of the themes, which writes down each violation."""
    context = browser.new_context(viewport=SIZES["desktop"])  # type: ignore[arg-type]
    context.add_init_script(f"localStorage.setItem('adminTheme', '\"{request.param}\"');{WATCH}")
    client = Client()
    client.force_login(make_user("root", role=Role.ADMIN))
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site.web}])
    visit = Visit(context.new_page(), site.web)
    _watch(visit)
    yield visit
    context.close()
    assert visit.problems == []


@pytest.fixture
def rows_of_all(book: Book) -> None:
    """Make rows of what the trader's book does not have."""
    SeriesCursor.objects.create(feed=make_feed(book.order.instrument, timeframe="1d"))
    hourly = CrontabSchedule.objects.create(minute="17")
    PeriodicTask.objects.create(name="Look", task="operations.heartbeat", crontab=hourly)
    IntervalSchedule.objects.create(every=10, period="seconds")
    SolarSchedule.objects.create(event="sunrise", latitude=1, longitude=1)
    ClockedSchedule.objects.create(clocked_time=MARKET_TIME)
    TaskResult.objects.create(task_id="1", task_name="operations.heartbeat", status="SUCCESS")
    GroupResult.objects.create(group_id="1")


def paths(patterns: list[Any], prefix: str = "/") -> Iterator[str]:
    """Yield every path of the console, in the order of the URL configuration."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from paths(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("/admin/") and not NOT_PAGES.search(path):
            yield path


def first_rows() -> dict[str, Model]:
    found = {}
    for model in admin.site._registry:
        row = model._default_manager.first()
        if row is not None:
            found[f"/admin/{model._meta.app_label}/{model._meta.model_name}/"] = row
    return found


def pages() -> list[str]:
    """Return the address of every page of the console, those of a row with the first row there is."""
    rows, found = first_rows(), []
    for path in paths(get_resolver().url_patterns):
        base = "/".join(path.split("/")[:4]) + "/"
        if "<" not in path:
            found.append(path)
        elif base in rows and path.count("/") <= 6:
            found.append(path.replace("<path:object_id>", str(rows[base].pk)))
    return found


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("rows_of_all")
def test_no_page_of_the_console_needs_what_the_policy_refuses(watched: Visit) -> None:
    answers, found = {}, {}
    for path in pages():
        answer = watched.page.goto(watched.base + path, wait_until="load")
        assert answer is not None
        answers[path] = answer.status
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self' 'unsafe-eval'", "frame-ancestors 'none'"} <= set(policy), path
        if answer.status == 403 and path.endswith(("/add/", "/delete/")):  # Not even an administrator may.
            answers[path] = 200
        # Statuses are looked at below; a browser also asks for the icon of a dialog's bare fragment.
        found[path] = [text for text in watched.problems if "Failed to load resource" not in text]
        watched.problems.clear()
    assert {path: texts for path, texts in found.items() if texts} == {}
    assert len(answers) > 60
    assert {path: status for path, status in answers.items() if status != 200} == {}


def test_palette_filters_dialogs_and_pickers_work(watched: Visit, book: Book) -> None:
    page = watched.open("/admin/")
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially("order", delay=20)
    expect(page.locator("#command-results-list")).to_be_visible()
    page.keyboard.press("Escape")
    page = watched.open("/admin/orders/order/")
    page.locator("#result_list .field-actions_holder span.material-symbols-outlined").first.click()
    page.get_by_role("link", name="Cancel order").first.click()
    expect(page.locator("#dialog")).to_be_visible()
    _leave(page)
    page.goto(f"{watched.base}/admin/django_celery_beat/clockedschedule/add/")
    page.locator("#calendarlink0").click()
    page.locator("#calendarin0 td a").first.click()
    expect(page.locator(".vDateField")).not_to_have_value("")
    page.goto(f"{watched.base}/admin/strategies/strategy/add/")
    page.select_option("#id_rule", "macd")
    expect(page.locator("#id_macd__fast")).to_be_visible()


def _leave(page: Page) -> None:
    page.locator("#dialog").get_by_role("button", name="Keep order").click()
    expect(page.locator("#dialog")).to_be_hidden()


@pytest.mark.usefixtures("rows_of_all")
def test_a_jobs_form_says_its_crontab_in_words(watched: Visit) -> None:
    job = PeriodicTask.objects.get(name="Look")
    watched.page.goto(f"{watched.base}/admin/django_celery_beat/periodictask/{job.pk}/change/")
    expect(watched.page.locator("#crontab-in-words")).to_contain_text("17 minutes past the hour")


def test_the_api_pages_show_every_route_and_a_call_can_be_tried(watched: Visit) -> None:
    page = watched.page
    page.goto(f"{watched.base}/api/docs")
    block = page.locator("#operations-health-health_live")
    for _ in range(100):  # Swagger draws what comes into sight.
        if block.count():
            break
        page.mouse.wheel(0, 2000)
        page.wait_for_timeout(100)
    tried = block.get_by_role("button", name="Try it out")
    for _ in range(5):  # What was drawn meanwhile may have taken the click away.
        block.locator(".opblock-summary-control").click()
        with suppress(TimeoutError):
            tried.wait_for(timeout=6_000)
            break
    tried.click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table td.response-col_status").last).to_contain_text("200")
    assert watched.problems == []
    page.goto(f"{watched.base}/api/redoc")
    expect(page.get_by_role("heading", name=re.compile("AlgoTrendy API"))).to_be_visible(timeout=30_000)
    page.locator("[role=search] input").press_sequentially("orders", delay=20)
    expect(page.locator('[data-role="search:results"] li').first).to_be_visible(timeout=15_000)  # A worker indexes.
    watched.problems[:] = [text for text in watched.problems if REDOC_LOGO not in text]


def test_what_is_planted_into_a_page_does_not_run(watched: Visit, book: Book) -> None:
    planted = "<script>window.planted = 1</script><img src=x onerror='window.planted = 1'>"
    Strategy.objects.filter(pk=book.strategy.pk).update(name=planted)
    for path in ("/admin/", "/admin/strategies/strategy/", f"/admin/strategies/strategy/{book.strategy.pk}/change/"):
        page = watched.page
        page.goto(watched.base + path)
        assert page.evaluate("window.planted") is None
    assert watched.problems == []
    # And where a page fails to escape: the browser refuses to run it.
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.planted = 1\">')"
    )
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.planted = 1'; document.body.append(s)"
    )
    page.wait_for_timeout(300)
    assert page.evaluate("window.planted") is None
    assert len([text for text in watched.problems if "violation of script-src" in text]) == 2
    watched.problems.clear()


def test_a_page_from_elsewhere_cannot_frame_the_console(browser: Browser, site: Site) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.set_content(f"<iframe src='{site.web}/admin/login/'></iframe>")
    page.wait_for_timeout(1000)
    assert "id_username" not in (page.frames[-1].content() if len(page.frames) > 1 else "")
    context.close()
