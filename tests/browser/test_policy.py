"""The Content-Security-Policy in a real browser: no page of ours breaks it, and what is injected does not run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from apps.accounts.models import Role, User
from tests.apps.dashboard.conftest import Book
from tests.browser.conftest import SIZES, Site
from tests.builders import make_user

PAGES = [
    "/admin/", "/admin/market/", "/admin/account/", "/admin/account/security/", "/admin/account/keys/",
    "/admin/account/sessions/", "/admin/account/activity/", "/api/docs", "/api/redoc", "/admin/nowhere/",
]  # fmt: skip
REDOCS_LOGO = "https://cdn.redoc.ly/"
"""Asked for by Redoc itself from its maker's server; that it is not loaded is what the policy is for."""
REPORT = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.__violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""


@pytest.fixture
def root(seeded_roles: None) -> User:
    return make_user("root", role=Role.ADMIN)


@pytest.fixture
def page(browser: Browser, site: Site, root: User, book: Book) -> Iterator[Page]:
    context = browser.new_context(viewport=SIZES["desktop"])  # type: ignore[arg-type]
    context.add_init_script(REPORT)
    client = Client()
    client.force_login(root)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site.web}])
    yield context.new_page()
    context.close()


def violations(page: Page) -> list[str]:
    page.wait_for_load_state("load")
    page.wait_for_timeout(150)
    return [found for found in page.evaluate("window.__violations") if REDOCS_LOGO not in found]


def test_no_page_of_the_console_breaks_the_policy(page: Page, site: Site, book: Book) -> None:
    page.goto(f"{site.web}/admin/")
    links = page.eval_on_selector_all("#nav-sidebar a[href^='/admin/']", "links => links.map(l => l.pathname)")
    lists = sorted({link for link in links if link.count("/") == 4})
    assert len(lists) >= 15
    forms = [
        f"{path}add/" for path in ("/admin/accounts/user/", "/admin/strategies/strategy/", "/admin/accounts/ratelimit/")
    ]
    rows = [
        f"/admin/orders/order/{book.order.pk}/change/", f"/admin/strategies/strategy/{book.strategy.pk}/change/",
        f"/admin/accounts/user/{book.owner.pk}/change/", f"/admin/orders/order/{book.order.pk}/history/",
    ]  # fmt: skip
    broken = {}
    for path in [*PAGES, *lists, *forms, *rows]:
        answer = page.goto(f"{site.web}{path}")
        assert answer is not None
        assert "script-src 'self' 'unsafe-eval';" in answer.headers["content-security-policy"], path
        if found := violations(page):
            broken[path] = found
    assert broken == {}


def test_dialogs_menus_and_the_command_palette_work_under_it(page: Page, site: Site, book: Book) -> None:
    page.goto(f"{site.web}/admin/orders/order/{book.order.pk}/change/")
    page.get_by_role("link", name="Cancel order").first.click()
    expect(page.get_by_text("Cancel this order?")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("orders")
    expect(page.locator("#command-results, [id*=command]").first).to_be_visible()
    assert violations(page) == []


def test_the_documentation_shows_the_operations(page: Page, site: Site) -> None:
    page.goto(f"{site.web}/api/docs")
    expect(page.get_by_text("/api/orders", exact=True).first).to_be_visible(timeout=20_000)
    page.goto(f"{site.web}/api/redoc")
    expect(page.get_by_text("AlgoTrendy API").first).to_be_visible(timeout=20_000)
    assert violations(page) == []


def test_pages_of_strangers_keep_to_it_too(browser: Browser, site: Site, root: User) -> None:
    context = browser.new_context()
    context.add_init_script(REPORT)
    page = context.new_page()
    for path in ("/admin/login/", "/account/forgot-password", "/account/reset-password#x", "/account/verify-email#x"):
        page.goto(f"{site.web}{path}")
        assert violations(page) == [], path
    context.close()


def test_an_injected_script_does_not_run(page: Page, site: Site) -> None:
    page.goto(f"{site.web}/admin/")
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.__injected = true";
        document.body.append(script);
        const image = document.createElement("div");
        image.innerHTML = '<img src=x onerror="window.__injected = true">';
        document.body.append(image);
        const foreign = document.createElement("script");
        foreign.src = "https://evil.example/x.js";
        document.body.append(foreign);
    }""")
    page.wait_for_timeout(300)
    assert page.evaluate("window.__injected") is None
    assert len(violations(page)) >= 3
