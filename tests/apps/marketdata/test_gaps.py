"""Where candles are missing, and how that ends."""

from __future__ import annotations

import pytest

from apps.marketdata.models import (
    Gap,
    GapStatus,
    Instrument,
    Outage,
)
from apps.marketdata.services.downloading import download_run
from apps.marketdata.services.gaps import GapNotFillable, gap_backfill, outage_delete, outage_save
from tests.builders import make_candles_rows
from tests.exchange.server import LoopbackExchange

from .histories import HOUR, MONDAY, find, without

pytestmark = pytest.mark.django_db(transaction=True)


def test_missing_candles_are_found_once(bitcoin: Instrument) -> None:
    without(bitcoin, 5, 6, 7, 20)
    assert find(bitcoin) == 2
    assert find(bitcoin) == 0
    found = [(gap.start, gap.end, gap.missing, gap.status) for gap in Gap.objects.order_by("start")]
    assert found == [
        (MONDAY + 5 * HOUR, MONDAY + 8 * HOUR, 3, "open"),
        (MONDAY + 20 * HOUR, MONDAY + 21 * HOUR, 1, "open"),
    ]


def test_a_gap_that_was_filled_in_part_is_narrowed_and_closed_with_the_rest(bitcoin: Instrument) -> None:
    without(bitcoin, 5, 6, 7)
    find(bitcoin)
    make_candles_rows(bitcoin, [100], start=MONDAY + 6 * HOUR, source="okx")
    find(bitcoin)
    assert sorted(Gap.objects.values_list("start", "missing")) == [(MONDAY + 5 * HOUR, 1), (MONDAY + 7 * HOUR, 1)]
    for hour in (5, 7):
        make_candles_rows(bitcoin, [100], start=MONDAY + hour * HOUR, source="okx")
    find(bitcoin)
    assert set(Gap.objects.values_list("status", flat=True)) == {"filled"}


@pytest.mark.usefixtures("handed")
def test_a_backfill_fetches_the_gap_and_what_the_source_lacks_is_marked(
    venue: LoopbackExchange, bitcoin: Instrument
) -> None:
    venue.missing = {int((MONDAY + 20 * HOUR).timestamp())}
    without(bitcoin, 5, 6, 7, 20)
    find(bitcoin)
    for gap in Gap.objects.all():
        download = gap_backfill(gap=gap, user=None)
        assert (download.start, download.end) == (gap.start, gap.end)
        assert download_run(download_id=download.pk) == "completed"
    statuses = dict(Gap.objects.values_list("start", "status"))
    assert statuses == {MONDAY + 5 * HOUR: GapStatus.FILLED, MONDAY + 20 * HOUR: GapStatus.EMPTY}


def test_a_file_cannot_be_asked_for_the_rest_of_it(bitcoin: Instrument) -> None:
    without(bitcoin, 5, source="csv")
    find(bitcoin, source="csv")
    with pytest.raises(GapNotFillable, match="import a file"):
        gap_backfill(gap=Gap.objects.get(), user=None)


def test_a_known_outage_explains_the_gaps_within_it(bitcoin: Instrument) -> None:
    without(bitcoin, 5, 6, 20)
    find(bitcoin)
    outage = outage_save(
        outage=Outage(source="okx", start=MONDAY + 4 * HOUR, end=MONDAY + 8 * HOUR, note="Maintenance.")
    )
    statuses = dict(Gap.objects.values_list("start", "status"))
    assert statuses == {MONDAY + 5 * HOUR: GapStatus.EXPLAINED, MONDAY + 20 * HOUR: GapStatus.OPEN}
    outage_delete(outage=outage)
    assert set(Gap.objects.values_list("status", flat=True)) == {GapStatus.OPEN}
