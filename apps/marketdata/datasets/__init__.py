"""The candles that come with the platform; README.md says where they are from and on what terms."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from algotrendy.trading.values import Timeframe
from apps.marketdata.models import AssetType, Candle, Instrument, Source
from apps.marketdata.services.importing import NewInstrument, candles_import
from apps.marketdata.sources.csv import CsvSource

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Dataset:
    """A bundled file, what it holds, and the rules of its instrument."""

    file: str
    symbol: str
    timeframe: Timeframe
    candles: int
    instrument: dict[str, Any]


DATASETS = (
    Dataset(
        "eurusd-1h-2017.csv",
        "EUR/USD",
        Timeframe.H1,
        6225,
        {
            "name": "Euro / US dollar",
            "asset_type": AssetType.FOREX,
            "quote_currency": "USD",
            "price_tick": Decimal("0.00001"),
            "quantity_step": Decimal(1),
        },
    ),
    Dataset(
        "googl-1d-2009-2018.csv",
        "GOOGL",
        Timeframe.D1,
        2335,
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


def install() -> int:
    """Create the instruments and import the files that are not stored whole; return how many candles were added."""
    return sum(_install(dataset) for dataset in DATASETS)


def _install(dataset: Dataset) -> int:
    instrument: Instrument | NewInstrument = NewInstrument(symbol=dataset.symbol, **dataset.instrument)
    existing = Instrument.objects.filter(symbol=dataset.symbol).first()
    if existing is not None:
        stored = Candle.objects.filter(instrument=existing, timeframe=dataset.timeframe, source=Source.CSV).count()
        if stored >= dataset.candles:
            return 0
        instrument = existing
    file = CsvSource(FOLDER / dataset.file, dataset.symbol, dataset.timeframe)
    report = candles_import(file=file, instrument=instrument, timeframe=dataset.timeframe, source=Source.CSV)
    return report.stored.inserted
