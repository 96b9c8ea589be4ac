"""The candles that come with the platform; `datasets/README.md` tells their origin and terms."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from django.db import transaction

from algotrendy.trading.values import Timeframe
from apps.marketdata.models import AssetType, Candle, Instrument, Source
from apps.marketdata.services import candles_store, instrument_create
from apps.marketdata.sources.csv import Layout, read_bars

FOLDER = Path(__file__).parent / "datasets"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A bundled file and the instrument whose candles it holds."""

    file: str
    timeframe: Timeframe
    layout: Layout
    instrument: dict[str, object]


DATASETS = (
    Dataset(
        file="eurusd-1h-2017.csv",
        timeframe=Timeframe.H1,
        layout=Layout(time_format="%d.%m.%Y %H:%M:%S.%f"),
        instrument={
            "symbol": "EUR/USD",
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
        file="googl-1d-2009-2018.csv",
        timeframe=Timeframe.D1,
        layout=Layout(),
        instrument={
            "symbol": "GOOGL",
            "name": "Alphabet Inc.",
            "asset_type": AssetType.STOCK,
            "quote_currency": "USD",
            "price_tick": Decimal("0.01"),
            "quantity_step": Decimal("0.0001"),
            "min_quantity": Decimal("0.0001"),
            "min_notional": Decimal(1),
        },
    ),
)


def install() -> int:
    """Import what is missing of the bundled candles; return how many were added."""
    return sum(_install(dataset) for dataset in DATASETS)


@transaction.atomic
def _install(dataset: Dataset) -> int:
    symbol = str(dataset.instrument["symbol"])
    instrument = Instrument.objects.filter(symbol=symbol).first()
    if instrument is None:
        instrument = instrument_create(**dataset.instrument)  # type: ignore[arg-type]
    series = Candle.objects.filter(instrument=instrument, timeframe=dataset.timeframe, source=Source.CSV)
    if series.exists():
        return 0
    bars = read_bars(FOLDER / dataset.file, symbol=symbol, timeframe=dataset.timeframe, layout=dataset.layout)
    report = candles_store(instrument=instrument, timeframe=dataset.timeframe, source=Source.CSV, bars=bars)
    return report.inserted
