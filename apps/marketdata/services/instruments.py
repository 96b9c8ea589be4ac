"""Create instruments."""

from __future__ import annotations

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from algotrendy.trading.errors import TradingError
from apps.common.jobs import enqueue
from apps.marketdata.models import ALWAYS_OPEN, AssetType, Instrument
from apps.marketdata.services.sessions import FOREX

CALENDARS: dict[str, str] = {AssetType.FOREX: FOREX, AssetType.STOCK: "XNYS", AssetType.ETF: "XNYS"}


class InvalidInstrument(TradingError):
    """An instrument cannot be made as asked."""

    code = "invalid_instrument"


def instrument_create(
    *,
    symbol: str,
    asset_type: str,
    quote_currency: str,
    price_tick: Decimal,
    quantity_step: Decimal,
    min_quantity: Decimal | None = None,
    min_notional: Decimal = Decimal(0),
    base_currency: str = "",
    name: str = "",
    calendar: str | None = None,
) -> Instrument:
    """Create an instrument; raise InvalidInstrument that names the field. Without a least quantity it is one step.

    Without a calendar, currencies trade by the currency market's week, stocks and ETFs by New York's sessions, and
    everything else always.
    """
    instrument = Instrument(
        symbol=symbol,
        name=name,
        asset_type=asset_type,
        base_currency=base_currency,
        quote_currency=quote_currency,
        price_tick=price_tick,
        quantity_step=quantity_step,
        min_quantity=quantity_step if min_quantity is None else min_quantity,
        min_notional=min_notional,
        calendar=calendar or CALENDARS.get(asset_type, ALWAYS_OPEN),
    )
    try:
        instrument.full_clean()
        with transaction.atomic():
            instrument.save(force_insert=True)
            if instrument.calendar != ALWAYS_OPEN:
                enqueue("marketdata.refresh_sessions", expires=3600)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidInstrument(f"{symbol[:40]}: {field}: {messages[0]}") from None
    except IntegrityError:
        raise InvalidInstrument(f"There is an instrument {symbol} already.") from None
    return instrument
