"""Make instruments as an exchange lists them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from apps.marketdata.models import AssetType, Instrument
from apps.marketdata.services.asking import exchange_opened
from apps.marketdata.services.instruments import InvalidInstrument, instrument_create
from apps.marketdata.sources.exchanges import has_exchange


def instruments_list(*, source: str, symbols: Iterable[str]) -> tuple[list[Instrument], list[str]]:
    """Make the instruments, all or none, with the exchange's grids; return them, and the symbols that were there.

    Raises InvalidInstrument where the exchange is not known or does not trade one of them now.
    """
    if not has_exchange(source):
        raise InvalidInstrument(f"There is no exchange {source[:32]!r}; binance, okx, coinbase and kraken are some.")
    wanted = list(dict.fromkeys(symbols))
    there = list(Instrument.objects.filter(symbol__in=wanted).order_by("symbol").values_list("symbol", flat=True))
    missing = [symbol for symbol in wanted if symbol not in there]
    if not missing:
        return [], there
    with exchange_opened(source) as (runner, exchange):
        found = runner.run(exchange.markets(missing))
    unknown = [symbol for symbol in missing if symbol not in found or not found[symbol].is_active]
    if unknown:
        raise InvalidInstrument(f"{source} does not trade {', '.join(unknown)[:200]}.")
    with transaction.atomic():
        made = [
            instrument_create(
                symbol=info.symbol, asset_type=AssetType.CRYPTOCURRENCY, base_currency=info.base,
                quote_currency=info.quote, price_tick=info.price_tick, quantity_step=info.quantity_step,
                min_quantity=info.min_quantity, min_notional=info.min_notional,
            )
            for info in (found[symbol] for symbol in missing)
        ]  # fmt: skip
    return made, there
