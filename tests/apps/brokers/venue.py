"""The paper venue by hand: an account, orders sent to it, candles shown to it."""

from datetime import timedelta
from decimal import Decimal as D

from django.db import transaction

from algotrendy.trading.broker import OrderRequest
from algotrendy.trading.candles import Bar
from algotrendy.trading.values import OrderType, Side, Timeframe, TimeInForce
from apps.brokers.adapters.paper import PaperGateway
from apps.brokers.models import BrokerConnection
from tests.builders import MARKET_TIME, make_connection, make_instrument

HOUR = timedelta(hours=1)
PRICES = ("limit_price", "stop_price", "trail_amount", "trail_percent")


class Venue:
    """An account that pays no fees and no slippage; every call goes through a gateway made anew from the database."""

    def __init__(self, owner, **settings):
        self.instrument = make_instrument()
        rates = {"commission_rate": D(0), "slippage_rate": D(0)}
        self.connection = make_connection(owner, **rates, **settings)
        self.now = MARKET_TIME

    @property
    def gateway(self):
        return PaperGateway(BrokerConnection.objects.get(pk=self.connection.pk))

    def send(self, name, side="buy", quantity="10", kind="market", **more):
        values = {key: D(value) if key in PRICES else value for key, value in more.items()}
        values.setdefault("time_in_force", TimeInForce.GTC)
        values.setdefault("active_from", self.now)
        request = OrderRequest(name, "BTC/USD", Side(side), OrderType(kind), D(quantity), **values)
        return self.gateway.submit_order(request)

    def show(self, o="100", h="105", lo="95", c="102", volume="1000"):
        """Show the account the next hour's candle; return the reports as (kind, order, quantity, price)."""
        bar = Bar("BTC/USD", Timeframe.H1, self.now, D(o), D(h), D(lo), D(c), D(volume))
        self.now += HOUR
        return self.meet(bar)

    def meet(self, bar):
        reports = []
        while True:
            with transaction.atomic():
                found = self.gateway.match_next(self.instrument.spec, bar)
            if not found:
                return [(r.kind.value, r.client_order_id, r.quantity, r.price) for r in reports]
            reports += found

    def order(self, name):
        return self.gateway.fetch_order(name, "BTC/USD")
