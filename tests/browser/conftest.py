"""A real web server and event stream, and Chromium signed in as a trader with a book of rows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from apps.accounts.models import User
from tests.apps.dashboard.conftest import Book, book_of
from tests.builders import make_candles_rows, make_feed, make_user
from tests.processes import free_port, granian

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.django_db(transaction=True))


@dataclass
class Visit:
    """A page with what went wrong in it."""

    page: Page
    base: str
    problems: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page and wait until its own script says that it is ready."""
        self.page.goto(f"{self.base}{path}")
        self.page.wait_for_function("window.__ready === true", timeout=15_000)
        return self.page

    def has_overflow(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@dataclass(frozen=True)
class Site:
    """The two servers' addresses."""

    web: str
    stream: str


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run Chromium for a module's tests only: its event loop must not run on under other tests."""
    if not os.access(CHROMIUM, os.X_OK):
        pytest.skip("Chromium is not installed; browser tests need it on PATH.")
    # Playwright's synchronous interface runs an event loop in this thread, which Django would take for an async call.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def site(django_db_setup: None) -> Iterator[Site]:
    """Run a web server and the event stream for all tests: neither keeps anything that a test's end changes."""
    web, stream = free_port(), free_port()
    found = Site(f"http://localhost:{web}", f"http://localhost:{stream}")
    names = {"WEB_URL": found.web, "STREAM_URL": found.stream}
    with granian("wsgi", web, **names), granian("asgi", stream, **names):
        yield found


@pytest.fixture
def user(transactional_db: None) -> User:
    return make_user()


@pytest.fixture
def book(user: User) -> Book:
    """Return a trader's rows on an instrument whose replay has sent 120 candles."""
    made = book_of(user)
    make_candles_rows(made.order.instrument, [100 + number % 9 for number in range(120)], source="replay")
    make_feed(made.order.instrument)
    return made


@pytest.fixture(params=SIZES)
def visit(request: pytest.FixtureRequest, browser: Browser, site: Site, book: Book) -> Iterator[Visit]:
    """Return a page signed in as the trader, on a desktop and on a phone; it must end without a problem."""
    context: BrowserContext = browser.new_context(viewport=SIZES[request.param])  # type: ignore[arg-type]
    client = Client()
    client.force_login(book.owner)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site.web}])
    visited = Visit(context.new_page(), site.web)
    _watch(visited)
    yield visited
    context.close()
    assert visited.problems == []


def _watch(visit: Visit) -> None:
    """Note what the page complains of; that a page which names no icon has none is the browser's own question."""

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.location["url"].endswith("/favicon.ico"):
            visit.problems.append(message.text)

    visit.page.on("console", console)
    visit.page.on("pageerror", lambda error: visit.problems.append(str(error)))
