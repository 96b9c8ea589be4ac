"""The candles that come with the platform; README.md says where they are from and on what terms."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from algotrendy.trading.values import Timeframe
from apps.marketdata.models import AssetType, Instrument, Source
from apps.marketdata.services.importing import ImportReport, candles_import
from apps.marketdata.services.instruments import instrument_create
from apps.marketdata.sources.csv import CsvSource

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Dataset:
    """A bundled file, what it holds, and the rules of its instrument."""

    file: str
    symbol: str
    timeframe: Timeframe
    instrument: dict[str, Any]


DATASETS = (
    Dataset(
        "eurusd-1h-2017.csv",
        "EUR/USD",
        Timeframe.H1,
        {
            "name": "Euro / US dollar",
            "asset_type": AssetType.FOREX,
            "base_currency": "EUR",
            "quote_currency": "USD",
            "price_tick": Decimal("0.00001"),
            "quantity_step": Decimal(1),
            "min_quantity": Decimal(1),
        },
    ),
    Dataset(
        "googl-1d-2009-2018.csv",
        "GOOGL",
        Timeframe.D1,
        {
            "name": "Alphabet Inc. Class A",
            "asset_type": AssetType.STOCK,
            "quote_currency": "USD",
            "price_tick": Decimal("0.01"),
            "quantity_step": Decimal("0.0001"),
            "min_notional": Decimal(1),
        },
    ),
)


def install() -> list[ImportReport]:
    """Create the instruments and import the files; what is there already stays as it is."""
    return [_install(dataset) for dataset in DATASETS]


def _install(dataset: Dataset) -> ImportReport:
    instrument = Instrument.objects.filter(symbol=dataset.symbol).first()
    if instrument is None:
        instrument = instrument_create(symbol=dataset.symbol, **dataset.instrument)
    file = CsvSource(FOLDER / dataset.file, dataset.symbol, dataset.timeframe)
    return candles_import(file=file, instrument=instrument, timeframe=dataset.timeframe, source=Source.CSV)
