"""A real worker of market data, killed in the middle of a download: no candle is missing and none doubled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app
from django.conf import settings
from django.utils import timezone
from redis import Redis

from apps.marketdata.models import Candle, Download
from apps.marketdata.services.downloads import download_create
from tests.builders import make_instrument
from tests.exchange.process import ExchangeProcess, exchange_process
from tests.faults.workers import Worker

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
QUEUES = "marketdata,downloads"
START = datetime(2023, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
PATIENCE = 60


@pytest.fixture
def exchange(transactional_db: None) -> Iterator[ExchangeProcess]:
    client = Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    with exchange_process() as running:
        running.control(delay=0.15)
        yield running


def until(row: Download, pages: int, *, status: str = "running") -> None:
    """Wait until so many pages are stored or the status is reached, and let the sweep come by as beat does."""
    deadline = time.monotonic() + PATIENCE
    swept = 0.0
    while row.pages < pages or row.status != status:
        assert time.monotonic() < deadline, f"{row.status} {row.pages} {row.error}"
        if time.monotonic() - swept > 1:
            current_app.send_task("marketdata.sweep_downloads", retry=False)
            swept = time.monotonic()
        time.sleep(0.05)
        row.refresh_from_db()


@pytest.mark.parametrize(("source", "length", "is_cut"), [("okx", 100, False), ("coinbase", 300, True)])
def test_a_download_goes_on_after_its_worker_was_killed(
    exchange: ExchangeProcess, source: str, length: int, is_cut: bool
) -> None:
    pages = 20
    row = download_create(
        instrument=make_instrument("BTC/USDT"), timeframe="1h", source=source, start=START,
        end=START + pages * length * HOUR, user=None,
    )  # fmt: skip
    first = Worker(QUEUES, **exchange.environment)
    try:
        until(row, pages // 3)
    finally:
        first.kill()
    row.refresh_from_db()
    assert row.status == "running"
    stored = row.pages
    assert pages // 3 <= stored < pages
    Download.objects.update(lease_until=timezone.now() - timedelta(seconds=1))  # what a minute of waiting would show
    if is_cut:
        exchange.control(faults=[{"kind": "cut"}, {"kind": "status", "status": 503}])

    second = Worker(QUEUES, **exchange.environment)
    try:
        until(row, pages, status="completed")
    finally:
        second.kill()
    times = list(Candle.objects.order_by("open_time").values_list("open_time", flat=True))
    assert times == [START + number * HOUR for number in range(pages * length)]
    assert (row.pages, row.inserted, row.changed) == (pages, pages * length, 0)
    # At most the page that the kill interrupted, and those that were cut, are asked for a second time.
    assert pages <= len(exchange.asked()) <= pages + 1 + 2 * is_cut
