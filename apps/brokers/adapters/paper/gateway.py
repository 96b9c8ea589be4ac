"""One account at the paper venue, as the platform talks to it."""

from __future__ import annotations

from datetime import datetime
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
from algotrendy.trading.errors import BrokerRejected
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.values import ZERO, OrderType, Side
from apps.brokers.models import BrokerConnection, PaperOrder, PaperOrderStatus, PaperTrade
from apps.common.fields import AmountField
from apps.marketdata.models import Instrument

from .arriving import paper_submit
from .matching import PaperBook
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
        """Take an order in, as `paper_submit` says; raise BrokerRejected where it is refused."""
        instrument = Instrument.objects.filter(symbol=request.symbol).first()
        answer = paper_submit([(self.connection, instrument, request)])[0]
        if isinstance(answer, BrokerRejected):
            raise answer
        return answer

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
        return self.meet(instrument, bar).next()

    def meet(self, instrument: InstrumentSpec, bar: Bar) -> PaperBook:
        """Return the account's resting orders as they meet a bar, locked until the caller's transaction ends."""
        return PaperBook(self.connection, instrument, bar)

    def _orders(self) -> QuerySet[PaperOrder]:
        return PaperOrder.objects.filter(connection=self.connection)

    def _locked(self, client_order_id: str) -> PaperOrder:
        try:
            return self._orders().select_for_update().get(client_order_id=client_order_id)
        except PaperOrder.DoesNotExist:
            raise BrokerRejected(f"The paper venue has no order {client_order_id}.", code="unknown_order") from None
