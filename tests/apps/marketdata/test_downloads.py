"""Downloads: page by page, once, however often they are killed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_redis import get_redis_connection

from apps.marketdata.models import (
    Candle,
    Download,
    DownloadStatus,
    Gap,
    Instrument,
)
from apps.marketdata.services.downloading import download_run, downloads_sweep
from apps.marketdata.services.downloads import (
    DownloadIsOver,
    InvalidDownload,
    TooManyDownloads,
    download_cancel,
    download_create,
)
from tests.builders import make_user
from tests.exchange.server import Fault, LoopbackExchange

from .histories import HOUR, MONDAY, ask, closes, expected_closes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("handed")
def test_a_download_brings_every_candle_of_its_span_and_no_other(venue: LoopbackExchange, bitcoin: Instrument) -> None:
    download = ask(bitcoin, MONDAY, MONDAY + 450 * HOUR)
    assert download_run(download_id=download.pk) == "completed"
    download.refresh_from_db()
    assert closes(bitcoin, "okx") == expected_closes(MONDAY, MONDAY + 450 * HOUR)
    assert (download.progress, download.inserted, download.changed, download.pages) == (100, 450, 0, 5)
    assert not Gap.objects.exists()


@pytest.mark.usefixtures("handed")
def test_a_second_download_of_the_span_changes_nothing(venue: LoopbackExchange, bitcoin: Instrument) -> None:
    for _ in range(2):
        download = ask(bitcoin, MONDAY, MONDAY + 120 * HOUR)
        download_run(download_id=download.pk)
    download.refresh_from_db()
    assert (download.status, download.inserted, download.changed) == ("completed", 0, 0)
    assert Candle.objects.count() == 120


@pytest.mark.usefixtures("handed")
def test_killed_between_pages_it_goes_on_with_the_next(
    venue: LoopbackExchange, bitcoin: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = ask(bitcoin, MONDAY, MONDAY + 450 * HOUR)
    with monkeypatch.context() as patch:
        patch.setattr("apps.marketdata.services.downloading._end", _killed)
        patch.setattr("apps.marketdata.services.downloading._write", _killed_at(3))
        with pytest.raises(KeyboardInterrupt):
            download_run(download_id=download.pk)
    download.refresh_from_db()
    assert (download.status, download.pages, Candle.objects.count()) == (DownloadStatus.RUNNING, 2, 200)
    assert download_run(download_id=download.pk) == "claimed"  # Its lease still stands.
    Download.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert downloads_sweep() == 1
    before = len(venue.candle_requests())
    assert download_run(download_id=download.pk) == "completed"
    assert len(venue.candle_requests()) - before == 3
    assert closes(bitcoin, "okx") == expected_closes(MONDAY, MONDAY + 450 * HOUR)


def _killed(*_: object, **__: object) -> str:
    raise KeyboardInterrupt


def _killed_at(page: int):  # type: ignore[no-untyped-def]
    from apps.marketdata.services import downloading

    write, pages = downloading._write, [0]

    def wrapped(download, bars):  # type: ignore[no-untyped-def]
        pages[0] += 1
        if pages[0] == page:
            raise KeyboardInterrupt
        return write(download, bars)

    return wrapped


@pytest.mark.usefixtures("handed")
def test_a_worker_that_lost_its_lease_stores_nothing_more(
    venue: LoopbackExchange, bitcoin: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = ask(bitcoin, MONDAY, MONDAY + 450 * HOUR)
    from apps.marketdata.services import downloading

    store = downloading._store

    def canceled_meanwhile(mine, page, length):  # type: ignore[no-untyped-def]
        if mine.cursor > MONDAY:
            download_cancel(download=mine)
        return store(mine, page, length)

    monkeypatch.setattr(downloading, "_store", canceled_meanwhile)
    download_run(download_id=download.pk)
    download.refresh_from_db()
    assert (download.status, Candle.objects.count()) == (DownloadStatus.CANCELED, 100)
    with pytest.raises(DownloadIsOver):
        download_cancel(download=download)


@pytest.mark.parametrize(
    ("fault", "code", "seconds"),
    [(Fault("status", 429, {"Retry-After": "7"}), "exchange_busy", 7), (Fault("cut"), "exchange_unreachable", 1)],
    ids=["busy", "cut"],
)
@pytest.mark.usefixtures("handed")
def test_a_source_that_does_not_answer_is_asked_again_later(
    venue: LoopbackExchange, bitcoin: Instrument, fault: Fault, code: str, seconds: int
) -> None:
    download = ask(bitcoin, MONDAY, MONDAY + 120 * HOUR)
    venue.faults.append(fault)
    assert download_run(download_id=download.pk) == "pending"
    download.refresh_from_db()
    assert (download.error_code, download.failures, download.cursor) == (code, 1, MONDAY)
    assert download.retry_at is not None
    assert abs((download.retry_at - timezone.now()).total_seconds() - seconds) < 2
    assert downloads_sweep() == 0
    assert download_run(download_id=download.pk) == "claimed"
    get_redis_connection("default").flushdb()  # The ban is over,
    Download.objects.update(retry_at=timezone.now())  # and so is the pause.
    assert download_run(download_id=download.pk) == "completed"
    download.refresh_from_db()
    assert (download.error, download.failures) == ("", 0)
    assert Candle.objects.count() == 120


@pytest.mark.usefixtures("handed")
def test_what_the_exchange_refuses_ends_it_with_the_reason(venue: LoopbackExchange, bitcoin: Instrument) -> None:
    download = download_create(
        instrument=bitcoin, timeframe="4h", source="coinbase", start=MONDAY, end=MONDAY + 96 * HOUR, user=None
    )
    assert download_run(download_id=download.pk) == "failed"
    download.refresh_from_db()
    assert download.error_code == "exchange_refused"
    assert "of ours it has: 1m, 5m, 15m, 30m, 1h, 1d" in download.error


@pytest.mark.usefixtures("handed")
def test_what_cannot_be_asked_for_is_refused(bitcoin: Instrument) -> None:
    now = timezone.now()
    with pytest.raises(InvalidDownload, match="No candle has closed"):
        ask(bitcoin, now - timedelta(minutes=10))
    with pytest.raises(InvalidDownload, match="no exchange 'nowhere'"):
        ask(bitcoin, MONDAY, source="nowhere")
    assert ask(bitcoin, MONDAY, MONDAY + HOUR) == ask(bitcoin, MONDAY, MONDAY + HOUR)
    trader = make_user()
    values = {"instrument": bitcoin, "timeframe": "1h", "source": "okx", "end": None, "user": trader}
    for day in range(10):
        download_create(start=MONDAY + timedelta(days=day), **values)
    with pytest.raises(TooManyDownloads, match="10 of your downloads"):
        download_create(start=MONDAY + timedelta(days=20), **values)


def test_the_command_fetches_and_says_what_came(
    venue: LoopbackExchange, bitcoin: Instrument, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"source": "binance", "symbol": "BTC/USDT", "timeframe": "1h"}
    call_command("download_candles", **options, start=MONDAY, end=MONDAY + 48 * HOUR)
    assert "48 new candles, 0 changed, in 1 pages" in capsys.readouterr().out
    assert closes(bitcoin, "binance") == expected_closes(MONDAY, MONDAY + 48 * HOUR)
