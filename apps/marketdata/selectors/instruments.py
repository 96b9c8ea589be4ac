"""Which instruments there are."""

from __future__ import annotations

from django.db.models import QuerySet

from algotrendy.trading.errors import TradingError
from apps.common.prepared import Given, Prepared
from apps.marketdata.models import Instrument


class UnknownSymbol(TradingError):
    """No instrument has the symbol."""

    code = "unknown_symbol"


def instrument_get(symbol: str) -> Instrument:
    """Return the instrument of exactly this symbol; raise UnknownSymbol."""
    instrument = _BY_SYMBOL.first(symbol=symbol)
    if instrument is None:
        raise UnknownSymbol(
            f"There is no instrument {symbol[:40]!r}; GET /api/market-data/instruments and the admin list them."
        )
    return instrument


_BY_SYMBOL = Prepared(lambda: Instrument.objects.filter(symbol=Given("symbol")))


def instruments() -> QuerySet[Instrument]:
    return Instrument.objects.order_by("symbol")
