"""A candle meets all of an account's orders in one transaction, with what one transaction for each fill would give."""

import json
import random
import re
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from algotrendy.trading.candles import Bar
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import Timeframe, TimeInForce
from apps.brokers.adapters.paper import PaperGateway
from apps.brokers.models import PaperOrder, PaperTrade
from apps.common.gathering import gathered
from apps.orders.models import Fill, Order
from apps.orders.selectors import UNSETTLED, waited_for, working_orders
from apps.orders.services.entry.placing import Origin, order_place
from apps.orders.services.holdings.filling import report_apply
from apps.orders.services.market import meeting, trading
from apps.orders.services.steps.stepping import order_lock, order_step
from apps.orders.services.venue.settling import order_settle
from apps.portfolio.models import EquitySnapshot, Portfolio, Position, RiskProfile
from apps.portfolio.services import equity_snapshot, portfolio_lock
from tests.apps.orders.stepping import Stepped, intent
from tests.builders import make_order, make_portfolio

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


class Account(Stepped):
    """A desk of two books that pays fees and slips, whatever its limits; orders are told apart by their numbers."""

    def __init__(self, owner, **more):
        super().__init__(owner, **more)
        self.connection.commission_rate, self.connection.slippage_rate = D("0.001"), D("0.0005")
        self.connection.save()
        RiskProfile.objects.filter(portfolio=self.portfolio).update(enabled=False)

    def order(self, side, quantity, kind="market", book="manual", **more):
        self.count = getattr(self, "count", 0) + 1
        placement = order_place(
            portfolio=self.portfolio, instrument=self.instrument, intent=intent(side, quantity, kind, **more),
            actor=self.owner, client_order_id=f"order-{self.count}", origin=Origin(book=book),
        )  # fmt: skip
        return self.settle(placement.order)

    def meet_one_by_one(self, bar):
        """Let the candle do one thing after another, each in a transaction of its own."""
        gateway, is_over = PaperGateway(self.connection), False
        while not is_over:
            with transaction.atomic():
                reports = gateway.match_next(self.instrument.spec, bar)
                for report in reports:
                    report_apply(connection=self.connection, report=report)
            is_over = not reports
            for order in working_orders().filter(UNSETTLED, portfolio=self.portfolio).order_by("created_at", "id"):
                order_settle(order_id=order.pk)

    def told(self):
        """Return all that is known of the account; ids are told apart, not told, and times are those of the market."""
        orders = Order.objects.filter(portfolio=self.portfolio).order_by("created_at", "id")
        fills = Fill.objects.filter(order__portfolio=self.portfolio).order_by("created_at")
        positions = Position.objects.filter(portfolio=self.portfolio).order_by("created_at")
        venue = PaperOrder.objects.filter(connection=self.connection).order_by("id")
        told = {
            "portfolio": columns(Portfolio.objects.get(pk=self.portfolio.pk)),
            "orders": [columns(order) for order in orders],
            "events": [[columns(event) for event in order.events.order_by("version")] for order in orders],
            "fills": [columns(fill) for fill in fills],
            "positions": [columns(position) for position in positions],
            "venue": [columns(row) for row in venue],
            "equity": [columns(shot) for shot in EquitySnapshot.objects.filter(portfolio=self.portfolio)],
        }
        text = re.sub(r"paper-\d+", "paper", json.dumps(told, default=str, indent=1, sort_keys=True))
        seen: dict[str, str] = {}
        return re.sub(ID, lambda found: seen.setdefault(found[0], f"id {len(seen)}"), text).splitlines()


ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}"
LEFT_OUT = {
    "id", "created_at", "updated_at", "submitted_at", "closed_at", "synced_at", "owner_id", "portfolio_id",
    "connection_id", "name", "correlation_id", "cancel_requested_at",
}  # fmt: skip


def columns(row):
    kept = {f.attname for f in row._meta.concrete_fields} - LEFT_OUT
    if not isinstance(row, Order | Position):
        kept -= {"at"}
    return {name: getattr(row, name) for name in kept}


@pytest.fixture
def accounts(trader, other_trader):
    """Return a function that makes two accounts alike, at the same venue's terms."""
    return lambda **terms: (Account(trader, **terms), Account(other_trader, **terms))


def meet(accounts, o, h, lo, c, volume="1000"):
    """Let a candle meet one account's orders one by one, and the other's together; both then see its close."""
    alone, together = accounts
    bar = Bar("BTC/USD", Timeframe.H1, alone.now, *map(D, (o, h, lo, c, volume)))
    alone.meet_one_by_one(bar)
    trade(alone.instrument, bar)
    # Of the fills that were made one by one the candle knew nothing.
    equity_snapshot(portfolio_ids=[account.portfolio.pk for account in accounts], at=bar.close_time)
    for account in accounts:
        account.now += HOUR
    assert alone.told() == together.told()


def trade(instrument, bar):
    trading.bar_trade(instrument=instrument, bar=bar, window=lambda until, length: pytest.fail("no strategy runs"))


def of_every_kind(desk):
    desk.order("buy", "3", stop_loss="97", take_profit="104")
    desk.order("buy", "2", "limit", limit_price="99")
    desk.order("sell", "1", "stop", stop_price="98", book="other")
    desk.order("sell", "2", "limit", limit_price="101", reduce_only=True)
    desk.order("buy", "1", "limit", limit_price="98.5", time_in_force=TimeInForce.IOC)
    desk.order("sell", "2", book="other", stop_loss="103")
    desk.order("sell", "1", "trailing_stop", trail_percent="1")
    desk.order("buy", "1", "stop_limit", stop_price="101", limit_price="101.5")


def flips(desk):
    desk.order("sell", "8")
    desk.order("buy", "9", "limit", limit_price="100.5", time_in_force=TimeInForce.IOC)
    desk.order("sell", "2", reduce_only=True)
    desk.order("sell", "1", "limit", limit_price="100.5", reduce_only=True)
    desk.order("sell", "1", "stop", stop_price="99", reduce_only=True)
    desk.order("sell", "6", "stop", stop_price="98.5")


def groups(desk):
    for n, quantity in enumerate(("2", "1")):
        target, stop = intent("sell", quantity, limit_price="101"), intent("sell", quantity, "stop", stop_price="99")
        desk.link("oco", target, stop, client_order_id=f"pair{n}")
    first, then = intent("buy", "1", limit_price="100"), intent("sell", "1", limit_price="100.5")
    desk.link("oto", first, then, client_order_id="then")
    desk.order("buy", "4", stop_loss="99.5", take_profit="101.5")


BARS = [
    ("100", "100.2", "99.9", "100", "1000"),
    ("100", "102", "98.4", "101", "35"),
    ("100.6", "104", "96", "98", "42"),
    ("98", "98", "98", "98", "1000"),
]
SHARE = {"volume_share": D("0.1")}


@pytest.mark.parametrize(
    ("mixture", "terms"),
    [
        (of_every_kind, {}), (flips, {}), (groups, {}),
        (of_every_kind, SHARE), (flips, SHARE), (groups, SHARE), (flips, {**SHARE, "seed": 5}),
    ],
)  # fmt: skip
def test_together_the_fills_are_what_they_are_one_by_one(accounts, mixture, terms):
    both = accounts(**terms)
    for account in both:
        account.order("buy", "3")
    meet(both, *BARS[0])
    for account in both:
        mixture(account)
    for bar in BARS[1:]:
        meet(both, *bar)
    assert Fill.objects.filter(order__portfolio=both[1].portfolio).count() >= 4


@pytest.mark.parametrize("seed", range(4))
def test_random_orders_on_random_candles_too(accounts, seed):
    chance, both, last = random.Random(seed), accounts(**(SHARE if seed % 2 else {})), 100  # The market's price stays.
    for _ in range(3):
        for _ in range(4):
            kind, side = chance.choice(["market", "limit", "stop"]), chance.choice(["buy", "sell"])
            sign, distance = 1 if side == "buy" else -1, chance.randint(1, 3)
            more = {
                "market": {"stop_loss": str(last - sign * distance), "take_profit": str(last + sign * distance)},
                "limit": {"limit_price": str(last - sign * distance)},
                "stop": {"stop_price": str(last + sign * distance)},
            }[kind]
            book, quantity = chance.choice(["manual", "other"]), str(chance.randint(1, 5))
            for account in both:
                account.order(side, quantity, kind, book, **more)
        prices = [last + chance.randint(-3, 3) for _ in range(4)]
        meet(both, prices[0], max(prices), min(prices), prices[1], chance.choice([20, 60, 1000]))


def bar_of(desk):
    return Bar("BTC/USD", Timeframe.H1, desk.now, *[D(100)] * 4, D(1000))


def test_what_a_candle_costs_does_not_grow_with_its_fills(trader):
    desk, counts = Account(trader), []
    for fills in (2, 20):
        for _ in range(fills):
            desk.order("buy", "0.1")
        with CaptureQueriesContext(connection) as queries:
            trade(desk.instrument, bar_of(desk))
        desk.now += HOUR
        counts.append(len(queries))
    assert Fill.objects.count() == 22
    assert counts[1] <= counts[0] + 2


@pytest.mark.parametrize("killed_at", [1, 2, 4])
def test_killed_between_two_fills_none_of_them_is_there_and_the_next_call_makes_them_all(
    accounts, monkeypatch, killed_at
):
    killed, spared = accounts()
    for account in (killed, spared):
        for side, quantity in (("buy", "3"), ("sell", "5"), ("buy", "1"), ("buy", "2")):
            account.order(side, quantity)
    taken, before = [], killed.told()
    take = meeting.report_take

    def dies(**more):
        taken.append(more)
        if len(taken) == killed_at:
            raise KeyboardInterrupt
        return take(**more)

    monkeypatch.setattr(meeting, "report_take", dies)
    with pytest.raises(KeyboardInterrupt):
        trade(killed.instrument, bar_of(killed))
    assert killed.told() == before
    assert (Fill.objects.count(), PaperTrade.objects.count(), Position.objects.count()) == (0, 0, 0)
    monkeypatch.undo()
    for _ in range(2):  # The second call finds nothing to do.
        trade(killed.instrument, bar_of(killed))
        assert killed.told() == spared.told()
        assert Fill.objects.count() == PaperTrade.objects.count() == 8


def test_two_portfolios_of_an_account_keep_their_money_apart(trader):
    """Buys of 2 and 3 and a sale of 1 at 100: 0.05 % slippage and 0.1 % fees on each."""
    desk = Account(trader)
    second = make_portfolio(trader, "Second", connection=desk.connection)
    RiskProfile.objects.update(enabled=False)
    first = desk.portfolio
    for portfolio, side, quantity in ((first, "buy", "2"), (second, "sell", "1"), (first, "buy", "3")):
        desk.portfolio = portfolio
        desk.order(side, quantity)
    trade(desk.instrument, bar_of(desk))
    bought, sold = D("100.05"), D("99.95")
    money = dict(Portfolio.objects.values_list("name", "cash"))
    assert money == {"Main": 10_000 - 5 * bought * D("1.001"), "Second": 10_000 + sold * D("0.999")}
    assert dict(Position.objects.values_list("portfolio__name", "quantity")) == {"Main": 5, "Second": -1}
    assert dict(EquitySnapshot.objects.values_list("portfolio__name", "cash")) == money


def test_what_waited_for_an_end_goes_though_it_was_looked_at_before(trader):
    """Within one block of work the successor was seen waiting, and then the order that it replaces ends."""
    desk = Account(trader)
    replaced = make_order(desk.portfolio, cancel_requested_at=desk.now)
    successor = make_order(desk.portfolio, status="held", replaces=replaced, quantity=D(2))
    with transaction.atomic(), gathered():
        portfolio_lock(desk.portfolio.pk)
        assert waited_for(order_lock(successor.pk)) == replaced
        order_step(order=order_lock(replaced.pk), kind="canceled", to=OrderStatus.CANCELED)
    successor.refresh_from_db()
    assert successor.status == "pending"
