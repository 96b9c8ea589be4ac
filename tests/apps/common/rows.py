"""Rows of the models that are written together, as unlike each other as their columns allow."""

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal as D

from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import OrderType, Side
from apps.accounts.models import Action, AuditEvent, Via
from apps.brokers.models import PaperOrder, PaperOrderStatus, PaperTrade
from apps.orders.models import Fill, Order, OrderClass, OrderEvent, OrderRole
from apps.portfolio.models import Portfolio, Position
from tests.builders import (
    MARKET_TIME,
    make_order,
    make_paper_order,
    make_portfolio,
    make_position,
    make_signal,
    make_strategy,
)

WORDS = "Zürich, 東京 🚀 'single' \"double\" 100 % {a,b} \\ NULL"
NOTES = {"note": WORDS, "nested": {"list": [1, 2.5, None, True], "empty": {}}, "exact": "0.12345678"}
MOST, LEAST = D("99999999999999999999.99999999"), D("0.00000001")


class Cases:
    """Rows of each model as keywords, each unlike the others: nulls, enumerations beside plain words, all digits."""

    def __init__(self, owner):
        strategy = make_strategy(make_portfolio(owner))
        self.portfolio, self.instrument = strategy.portfolio, strategy.instrument
        self.order = make_order(self.portfolio)
        self.paper = make_paper_order(self.portfolio.connection)
        self.strategy, self.signal = strategy, make_signal(strategy)
        self.position = make_position(self.portfolio, book="other")

    def orders(self):
        plain = {
            "owner_id": self.portfolio.owner_id, "portfolio": self.portfolio, "instrument": self.instrument,
            "side": "buy", "type": "market", "quantity": 1, "reference_price": "100", "active_from": MARKET_TIME,
        }  # fmt: skip
        full = {
            "strategy": self.strategy, "signal": self.signal, "parent": self.order, "replaces": self.order,
            "role": OrderRole.STOP_LOSS, "order_class": OrderClass.BRACKET, "side": Side.SELL,
            "type": OrderType.STOP_LIMIT, "status": OrderStatus.PARTIALLY_FILLED, "quantity": MOST,
            "filled_quantity": LEAST, "limit_price": MOST, "stop_price": LEAST, "notional": D("12.34567891"),
            "post_only": True, "reduce_only": True, "expires_at": datetime(2031, 2, 3, 4, 5, 6, 789, UTC),
            "version": 2**31 - 1, "reason": WORDS, "metadata": NOTES, "risk": {"limit": "1"}, "oco_group": "pair",
        }  # fmt: skip
        third = {"status": "held", "role": "manual", "reason_code": "x" * 64, "metadata": {}, "side": Side.BUY}
        each = ({}, full, third)
        return Order, [self._named(f"row-{n}", plain | more) for n, more in enumerate(each)]

    def _named(self, name, values):
        return {"id": uuid.uuid4(), "client_order_id": name, **values}

    def events(self):
        kinds = ("placed", OrderStatus.FILLED, "canceled")
        details = (NOTES, {}, {"text": "none"})
        before = ("", OrderStatus.OPEN, "open")
        return OrderEvent, [
            {"order": self.order, "version": n + 7, "kind": kinds[n], "from_status": before[n],
             "to_status": OrderStatus.OPEN, "detail": details[n], "correlation_id": WORDS[:20 * n]}
            for n in range(3)
        ]  # fmt: skip

    def fills(self):
        plain = {
            "order": self.order, "connection": self.portfolio.connection, "side": Side.BUY, "price": D("0.1"),
            "quantity": LEAST, "quote_quantity": D("0.000000001"), "fee": 0, "fee_currency": "USD",
            "executed_at": MARKET_TIME,
        }  # fmt: skip
        full = {"position": self.position, "venue_fee": LEAST, "venue_fee_currency": "BNB", "realized_pnl": -MOST}
        each = ({}, {**full, "is_inferred": True, "side": "sell"}, {"fee": -LEAST})
        return Fill, [
            {"id": uuid.uuid4(), "exchange_trade_id": f"t{n}", **plain, **more} for n, more in enumerate(each)
        ]

    def paper_orders(self):
        plain = {
            "connection": self.portfolio.connection, "instrument": self.instrument, "side": "sell", "type": "limit",
            "time_in_force": "gtc", "quantity": D("1.5"), "active_from": MARKET_TIME,
        }  # fmt: skip
        full = {
            "side": Side.BUY, "type": OrderType.TRAILING_STOP, "status": PaperOrderStatus.CANCELED,
            "trail_percent": LEAST, "best_price": MOST, "is_triggered": True, "expires_at": MARKET_TIME,
            "oco_group": WORDS,
        }  # fmt: skip
        each = ({}, full, {"limit_price": 99})
        return PaperOrder, [{"id": n + 10**6, "client_order_id": f"p{n}"} | plain | more for n, more in enumerate(each)]

    def paper_trades(self):
        return PaperTrade, [
            {"id": n + 10**6, "order": self.paper, "price": MOST, "quantity": D(n + 1), "fee": D("0.1") * n,
             "executed_at": MARKET_TIME, "bar_time": MARKET_TIME if n == 1 else None}
            for n in range(3)
        ]  # fmt: skip

    def positions(self):
        plain = {
            "portfolio": self.portfolio, "instrument": self.instrument, "side": "long", "opened_at": MARKET_TIME,
        }  # fmt: skip
        full = {
            "side": "short", "quantity": -LEAST, "cost_basis": -MOST, "mark_price": LEAST, "stop_loss": MOST,
            "leverage": D("2.5"), "margin_mode": "isolated", "closed_at": MARKET_TIME, "funded_through": MARKET_TIME,
        }  # fmt: skip
        each = ({}, full, {"leverage": 3})
        return Position, [{"id": uuid.uuid4(), "book": f"book-{n}"} | plain | more for n, more in enumerate(each)]

    def portfolios(self):
        plain = {"owner": self.portfolio.owner, "connection": self.portfolio.connection}
        full = {"cash": -MOST, "day": date(2024, 2, 29), "day_equity": LEAST, "is_simulation": True}
        each = ({}, full, {"base_currency": "EUR", "peak_equity": "0.1"})
        names = (WORDS, "Second", "Third")
        return Portfolio, [
            {"id": uuid.uuid4(), "name": name} | plain | more for name, more in zip(names, each, strict=True)
        ]

    def audit_events(self):
        plain = {"action": Action.ORDER_PLACED, "via": Via.CONSOLE}
        full = {"user_id": 2**40, "username": WORDS, "details": NOTES, "ip": "2001:db8::1", "user_agent": "x" * 200}
        return AuditEvent, [plain, plain | full, {"action": "halt.started", "via": "platform", "ip": "127.0.0.1"}]
