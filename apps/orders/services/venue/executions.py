"""A venue's executions as reports on orders: under ids of the platform's own, with fees in the quote currency."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import structlog

from algotrendy.trading.broker import ExecutionReport, ReportKind, VenueTrade, VenueTraits
from algotrendy.trading.values import ZERO, quantize
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import latest_candle
from apps.orders.models import Order
from apps.orders.services.holdings.filling import report_apply
from apps.orders.services.steps.notices import order_notice

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class QuoteFee:
    """A fee in the quote currency; `is_known` tells whether its own currency could be converted."""

    amount: Decimal
    is_known: bool = True


def trade_key(trade: VenueTrade, traits: VenueTraits) -> str:
    """Return the id that a trade is kept under: exchanges number the trades of each symbol apart."""
    return trade.trade_id if traits.is_simulated else f"{trade.symbol}:{trade.trade_id}"[:100]


def trade_apply(*, order: Order, trade: VenueTrade, traits: VenueTraits) -> None:
    """Apply an execution to its order; a known one changes nothing."""
    instrument = order.instrument
    fee = fee_in_quote(trade, instrument)
    is_other = bool(trade.fee) and trade.fee_currency != instrument.quote_currency
    report = ExecutionReport(
        kind=ReportKind.FILLED,
        client_order_id=order.client_order_id,
        at=trade.at,
        trade_id=trade_key(trade, traits),
        price=trade.price,
        quantity=trade.quantity,
        fee=fee.amount,
        venue_fee=trade.fee if is_other else ZERO,
        venue_fee_currency=trade.fee_currency if is_other else "",
    )
    report_apply(connection=order.portfolio.connection, report=report)
    if not fee.is_known:
        log.warning("fee_not_converted", order=str(order.pk), currency=trade.fee_currency, fee=f"{trade.fee:f}")
        order_notice(
            order,
            f"The fee of {trade.fee:f} {trade.fee_currency} is booked as 0: there is no price of {trade.fee_currency} "
            f"in {instrument.quote_currency}. Add the instrument {trade.fee_currency}/{instrument.quote_currency} with "
            "a feed.",
        )


def fee_in_quote(trade: VenueTrade, instrument: Instrument) -> QuoteFee:
    """Convert a fee: of the base currency at the trade's own price, of another at that currency's last price."""
    quote = instrument.quote_currency
    if not trade.fee or trade.fee_currency == quote:
        return QuoteFee(quantize(trade.fee))
    if trade.fee_currency == instrument.base_currency:
        return QuoteFee(quantize(trade.fee * trade.price))
    price = _price(trade.fee_currency, quote)
    return QuoteFee(ZERO, is_known=False) if price is None else QuoteFee(quantize(trade.fee * price))


def _price(currency: str, quote: str) -> Decimal | None:
    for symbol, is_inverse in ((f"{currency}/{quote}", False), (f"{quote}/{currency}", True)):
        instrument = Instrument.objects.filter(symbol=symbol).first()
        candle = None if instrument is None else latest_candle(instrument)
        if candle is not None and candle.close > 0:
            close: Decimal = candle.close
            return 1 / close if is_inverse else close
    return None
