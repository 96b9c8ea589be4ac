"""One account at the paper venue, as the platform talks to it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Case, ExpressionWrapper, F, QuerySet, Sum, When

from algotrendy.trading.broker import (
    ExecutionReport,
    KeyRights,
    OrderRequest,
    VenueBalance,
    VenueOrder,
    VenuePosition,
    VenueTrade,
    VenueTraits,
)
from algotrendy.trading.candles import Bar
from algotrendy.trading.chance import draw
from algotrendy.trading.errors import BrokerRejected
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.values import ZERO, OrderType, Side
from apps.brokers.models import BrokerConnection, PaperOrder, PaperOrderStatus, PaperTrade
from apps.common.fields import AmountField
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import latest_candle

from .matching import match_next
from .words import venue_order, venue_orders, venue_trades

PAPER_TRAITS = VenueTraits(deduplicates=True, groups=True, reduces=True, rests=frozenset(OrderType), is_simulated=True)


class PaperGateway:
    """One connection's account at the paper venue."""

    def __init__(self, connection: BrokerConnection) -> None:
        self.connection = connection

    @property
    def traits(self) -> VenueTraits:
        return PAPER_TRAITS

    def submit_order(self, request: OrderRequest) -> VenueOrder:
        """Take an order in. It meets the first candle that opens once it has arrived, `latency_ms` after it was sent.

        Refused at once is a post-only order that would take at the newest price; one that would take at its first
        open ends there.
        """
        instrument = self._instrument(request.symbol)
        if request.post_only and not self._orders().filter(client_order_id=request.client_order_id).exists():
            _require_to_rest(request, instrument)
        order, _ = PaperOrder.objects.get_or_create(
            connection=self.connection,
            client_order_id=request.client_order_id,
            defaults={
                "instrument": instrument,
                "side": request.side,
                "type": request.type,
                "time_in_force": request.time_in_force,
                "quantity": request.quantity,
                "limit_price": request.limit_price,
                "stop_price": request.stop_price,
                "trail_amount": request.trail_amount,
                "trail_percent": request.trail_percent,
                "post_only": request.post_only,
                "expires_at": request.expires_at,
                "oco_group": request.oco_group,
                "active_from": request.active_from + self._latency(request.client_order_id),
            },
        )
        return venue_order(order)

    def cancel_order(self, client_order_id: str, symbol: str) -> VenueOrder:
        """End what remains of an order; what it has traded stands."""
        with transaction.atomic():
            order = self._locked(client_order_id)
            if order.status == PaperOrderStatus.OPEN:
                order.status = PaperOrderStatus.CANCELED
                order.save(update_fields=["status"])
        return venue_order(order)

    def reduce_order(self, client_order_id: str, symbol: str, quantity: Decimal) -> VenueOrder:
        """Lower what remains of an order; more than remains changes nothing."""
        with transaction.atomic():
            order = self._locked(client_order_id)
            if order.status == PaperOrderStatus.OPEN and ZERO < quantity < order.remaining_quantity:
                order.quantity = order.filled_quantity + quantity
                order.save(update_fields=["quantity"])
        return venue_order(order)

    def fetch_order(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        order = self._orders().filter(client_order_id=client_order_id).select_related("instrument").first()
        return None if order is None else venue_order(order)

    def fetch_open_orders(self, symbol: str) -> list[VenueOrder]:
        return venue_orders(self._orders().filter(instrument__symbol=symbol, status=PaperOrderStatus.OPEN))

    def fetch_trades(self, symbol: str, since: datetime | None) -> list[VenueTrade]:
        rows = PaperTrade.objects.filter(order__connection=self.connection, order__instrument__symbol=symbol)
        return venue_trades(rows if since is None else rows.filter(executed_at__gte=since))

    def fetch_order_trades(self, client_order_id: str, symbol: str) -> list[VenueTrade]:
        return venue_trades(
            PaperTrade.objects.filter(order__connection=self.connection, order__client_order_id=client_order_id)
        )

    def fetch_balances(self) -> dict[str, VenueBalance]:
        """Return nothing: the paper venue keeps orders and executions; the money is each portfolio's own."""
        return {}

    def fetch_positions(self, symbols: list[str]) -> dict[str, VenuePosition]:
        """Return the sum of the account's executions in each instrument."""
        sold = ExpressionWrapper(-F("quantity"), output_field=AmountField())
        signed = Case(When(order__side=Side.SELL, then=sold), default=F("quantity"))
        rows = (
            PaperTrade.objects.filter(order__connection=self.connection, order__instrument__symbol__in=symbols)
            .values("order__instrument__symbol")
            .order_by()
            .annotate(held=Sum(signed, output_field=AmountField()))
        )
        held = {row["order__instrument__symbol"]: row["held"] for row in rows}
        return {symbol: VenuePosition(symbol, quantity) for symbol, quantity in held.items() if quantity}

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """Take any leverage: the portfolio's limits and margin are the platform's own arithmetic."""

    def key_rights(self) -> KeyRights:
        return KeyRights(can_read=True, can_trade=True, can_withdraw=False)

    def match_next(self, instrument: InstrumentSpec, bar: Bar) -> list[ExecutionReport]:
        """Take the first thing that the bar does to the account's resting orders and return its reports.

        Call it until it returns none: an order that the bar left alone once, it leaves alone again. The caller's
        transaction makes venue and platform agree.
        """
        return match_next(self.connection, instrument, bar)

    def _latency(self, client_order_id: str) -> timedelta:
        """Return the market time that an order is under way: as set, where there is chance half to one and a half."""
        delay = timedelta(milliseconds=self.connection.latency_ms)
        if not self.connection.seed:
            return delay
        factor = Decimal("0.5") + draw(self.connection.seed, "latency", client_order_id)
        return timedelta(microseconds=int(self.connection.latency_ms * 1000 * factor))

    def _orders(self) -> QuerySet[PaperOrder]:
        return PaperOrder.objects.filter(connection=self.connection)

    def _instrument(self, symbol: str) -> Instrument:
        try:
            return Instrument.objects.get(symbol=symbol)
        except Instrument.DoesNotExist:
            raise BrokerRejected(f"The paper venue does not trade {symbol}.", code="unknown_symbol") from None

    def _locked(self, client_order_id: str) -> PaperOrder:
        try:
            return self._orders().select_for_update().get(client_order_id=client_order_id)
        except PaperOrder.DoesNotExist:
            raise BrokerRejected(f"The paper venue has no order {client_order_id}.", code="unknown_order") from None


def _require_to_rest(request: OrderRequest, instrument: Instrument) -> None:
    """Refuse an order that would take at the newest price, where that price is not of later than the order."""
    candle = latest_candle(instrument)
    if candle is None or request.limit_price is None or candle.close_time > request.active_from:
        return
    if (request.limit_price - candle.close) * request.side.sign >= 0:
        raise BrokerRejected(
            f"A post-only {request.side} at {request.limit_price:f} would take at {candle.close:f}; choose a price on "
            "its own side of the market.",
            code="post_only_would_take",
        )
