"""Market data's pages in a real browser: downloads begun and followed, alerts that come by themselves."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from apps.alerts.models import Severity
from apps.alerts.services import Finding, alerts_settle
from apps.marketdata.models import Download
from apps.marketdata.services.downloads import download_publish
from tests.browser.conftest import Visit
from tests.builders import make_instrument


def test_a_download_is_begun_and_followed(visit: Visit) -> None:
    make_instrument("ETH/USDT")
    page = visit.page
    page.goto(f"{visit.base}/admin/marketdata/download/add/")
    page.select_option("#id_instrument", label="ETH/USDT", force=True)
    page.select_option("#id_timeframe", "1h")
    page.select_option("#id_source", "okx", force=True)
    page.fill("#id_start_0", "2024-01-01")
    page.fill("#id_start_1", "00:00:00")
    assert not visit.has_overflow()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile(r"/marketdata/download/$"))
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    assert not visit.has_overflow()
    row = Download.objects.get()
    expect(page.locator(".field-state")).to_contain_text("Waiting")
    Download.objects.update(status="running", cursor=row.start + (row.end - row.start) * 0.42, pages=7, inserted=700)
    download_publish(row.pk)
    expect(page.locator(".field-state")).to_contain_text("Running", timeout=10_000)
    expect(page.locator(".field-done progress")).to_have_attribute("value", re.compile("4[12]"))
    expect(page.locator(".field-pages")).to_have_text("7")


@pytest.mark.parametrize("visit", ["desktop"], indirect=True)
def test_an_alert_is_offered_when_it_comes_and_changes_where_it_is(visit: Visit) -> None:
    alerts_settle("feed_stale", {"feed:1": Finding("The data of BTC/USD 1h (okx) is too old to trade on.")})
    page = visit.page
    page.goto(f"{visit.base}/admin/alerts/alert/")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    expect(page.locator(".field-state")).to_have_text(re.compile("Open"))
    alerts_settle("download_failed", {"download:1": Finding("The download has failed.", Severity.CRITICAL)})
    expect(page.get_by_role("button", name="Show 1 new")).to_be_visible(timeout=10_000)
    alerts_settle("feed_stale", {})
    expect(page.locator(".field-state")).to_have_text(re.compile("Over"), timeout=10_000)
