"""Indicators of stored candles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from algotrendy.trading import catalog
from algotrendy.trading.candles import Candles
from algotrendy.trading.strategies.base import ParameterValue
from apps.marketdata.models import Instrument

from .candles import CandlesPage, candles_page, candles_window

MEMORY = 25
"""How many warm-ups come before the first value shown: Wilder's averages have forgotten them to 10 digits then."""
LEAST, MOST = 250, 15_000


@dataclass(frozen=True, slots=True)
class IndicatorPage:
    """An indicator's columns by name, each as long as `time`; NaN where too few candles came before."""

    timeframe: str
    source: str | None
    time: list[int]
    columns: catalog.Columns
    next_start: datetime | None


def indicator_page(
    *,
    instrument: Instrument,
    indicator: catalog.Indicator,
    parameters: Mapping[str, ParameterValue],
    of: str,
    timeframe: str,
    source: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int,
) -> IndicatorPage:
    """Return the indicator at the candles that `candles_page` would list, worked out from older ones too.

    Before the first of them come 25 warm-ups (at most 15,000 candles), so that a value hardly depends on where a page
    begins; sums since the beginning (obv, ad) begin there.
    """
    span = {"timeframe": timeframe, "source": source, "start": start, "end": end}
    page = candles_page(instrument=instrument, limit=limit, **span)  # type: ignore[arg-type]
    lead = min(max(indicator.warm_up(parameters) * MEMORY, LEAST), MOST)
    candles = _with_lead(instrument, page, lead)
    shown = len(page.rows)
    columns = {} if candles is None else indicator.compute(candles, parameters, of)
    return IndicatorPage(
        timeframe,
        page.source,
        [] if candles is None else candles.time[len(candles) - shown :].tolist(),
        {name: columns[name][-shown:] if shown else np.empty(0) for name in indicator.outputs},
        page.next_start,
    )


def _with_lead(instrument: Instrument, page: CandlesPage, lead: int) -> Candles | None:
    if page.source is None or not page.rows:
        return None
    return candles_window(
        instrument=instrument,
        timeframe=page.timeframe,
        source=page.source,
        until=page.rows[-1][0],
        length=len(page.rows) + lead,
    )
