"""Old candles are deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.marketdata.models import (
    Candle,
    Instrument,
    Retention,
)
from apps.marketdata.services.partitions import partition_years, partitions_ensure
from apps.marketdata.services.retention import candles_retain
from tests.builders import make_candles_rows

from .histories import MONDAY, minutes

pytestmark = pytest.mark.django_db(transaction=True)


def test_old_candles_go_and_the_newest_thousand_stay(bitcoin: Instrument) -> None:
    now = MONDAY + timedelta(days=100)
    partitions_ensure([datetime(2009, 5, 1, tzinfo=UTC)])
    minutes(bitcoin, MONDAY, 3000)
    make_candles_rows(bitcoin, range(100, 1300), start=MONDAY)
    Retention.objects.create(timeframe="1m", days=99)
    assert candles_retain(now=now) == {"1m": 1440 - 1}
    kept = Candle.objects.filter(timeframe="1m").earliest("open_time")
    assert kept.open_time == MONDAY + timedelta(days=1, minutes=-1)
    assert Candle.objects.filter(timeframe="1h").count() == 1200
    assert 2009 not in partition_years()
    Retention.objects.update(days=1)
    candles_retain(now=now)
    assert Candle.objects.filter(timeframe="1m").count() == 1000
