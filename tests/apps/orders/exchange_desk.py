"""A trader at the exchange on loopback: 10,000 USDT there and in the portfolio, and a market at 100."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

from django.utils import timezone

from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import OrderType, Side
from apps.accounts.models import User
from apps.brokers.models import BrokerConnection
from apps.brokers.selectors import gateway_of
from apps.orders.models import Fill, Order, Reconciliation
from apps.orders.services.entry.placing import order_place
from apps.orders.services.reconciling import connection_reconcile
from apps.orders.services.venue.following import connection_follow
from apps.orders.services.venue.settling import order_settle
from apps.portfolio.models import Position
from tests.apps.brokers.conftest import KEY, exchange_connection
from tests.builders import make_candles_rows, make_instrument, make_portfolio
from tests.exchange.trading import TradingVenue

PAIR = "BTCUSDT"


class ExchangeDesk:
    """Places orders at the exchange and looks at both sides. The connection has been compared once, cleanly."""

    def __init__(self, owner: User, venue: TradingVenue, **overrides: Any) -> None:
        self.owner, self.venue = owner, venue
        venue.open_account(KEY, "a-secret-that-nobody-may-ever-read", {"USDT": 10_000, "BNB": 1})
        self.connection: BrokerConnection = exchange_connection(owner, **{"sandbox": True, **overrides})
        self.portfolio = make_portfolio(owner, connection=self.connection, base_currency="USDT")
        self.portfolio.risk_profile.delete()
        type(self.portfolio.risk_profile).objects.create(
            portfolio=self.portfolio, max_position_size_percent=100, max_total_exposure_percent=100,
            max_concurrent_positions=50,
        )  # fmt: skip
        self.instrument = make_instrument("BTC/USDT")
        make_candles_rows(self.instrument, [100])
        connection_reconcile(connection=self.connection)

    def place(self, *, kind: str = "limit", side: str = "buy", quantity: str = "1", **more: Any) -> Order:
        """Commit an order and settle it: a limit order at 90, which rests, unless told otherwise."""
        if kind == "limit":
            more.setdefault("limit_price", "90")
        for name in ("limit_price", "stop_price", "stop_loss", "take_profit"):
            if name in more:
                more[name] = D(more[name])
        client_order_id = more.pop("client_order_id", None)
        intent = OrderIntent(Side(side), OrderType(kind), D(quantity), **more)
        placement = order_place(
            portfolio=self.portfolio,
            instrument=self.instrument,
            intent=intent,
            actor=self.owner,
            client_order_id=client_order_id,
        )
        return self.settle(placement.order)

    def settle(self, order: Order) -> Order:
        order_settle(order_id=order.pk)
        return Order.objects.get(pk=order.pk)

    def follow(self) -> int:
        return connection_follow(connection_id=self.connection.pk)

    def reconcile(self) -> Reconciliation:
        return connection_reconcile(connection=self.connection)

    def later(self, order: Order, seconds: int = 60) -> None:
        """Let the order be as old as if so many seconds had passed."""
        past = timezone.now() - timedelta(seconds=seconds)
        Order.objects.filter(pk=order.pk).update(submitted_at=past, updated_at=past)
        Order.objects.filter(pk=order.pk, unknown_since__isnull=False).update(unknown_since=past)
        order.events.update(at=past)

    def orders_at_venue(self) -> list[Any]:
        return [order for order in self.venue.book.orders if order.key == KEY]

    def requests(self, name: str) -> int:
        return sum(request == name for request, _ in self.venue.asked)

    @property
    def gateway(self) -> Any:
        return gateway_of(self.connection)

    @property
    def cash(self) -> D:
        self.portfolio.refresh_from_db()
        return self.portfolio.cash

    @property
    def held(self) -> D:
        rows = Position.objects.filter(portfolio=self.portfolio, closed_at=None)
        return sum(rows.values_list("quantity", flat=True), D(0))

    @property
    def coins(self) -> D:
        """What the account has of the base currency."""
        account = self.venue.book.accounts[KEY]
        return account.free.get("BTC", D(0)) + account.locked.get("BTC", D(0))

    def fills(self) -> list[tuple[D, D]]:
        return list(Fill.objects.order_by("executed_at", "created_at").values_list("price", "quantity"))
