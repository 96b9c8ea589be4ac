"""An account that a candle cannot be applied to stays behind alone, and goes on where it was once that is mended."""

from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection

from apps.alerts.models import Alert
from apps.brokers.adapters.paper import matching
from apps.marketdata import cache
from apps.marketdata.models import Feed, Source
from apps.orders.models import Fill, LaggingAccount, Order, SeriesCursor
from apps.orders.services.market import meeting
from apps.orders.services.market.trading import feed_start, feed_trade
from apps.strategies.models import Signal
from tests.apps.orders.stepper import HOUR, Stepper
from tests.apps.strategies.test_evaluating import Sure
from tests.builders import MARKET_TIME, make_candles_rows, make_feed, make_strategy
from tests.rules import add_rule

pytestmark = pytest.mark.django_db(transaction=True)


class Market:
    """A feed whose candles come one at a time, and two accounts that trade on it."""

    def __init__(self, trader, other_trader):
        self.broken, self.sound = Stepper(trader), Stepper(other_trader)
        self.instrument = self.broken.instrument
        make_candles_rows(self.instrument, [100], start=MARKET_TIME - HOUR, source=Source.REPLAY)
        self.feed = make_feed(self.instrument, position=MARKET_TIME - HOUR)
        feed_start(feed=self.feed, after=MARKET_TIME - HOUR)
        self.next = MARKET_TIME

    def candle(self, close=100):
        with cache.changing(self.instrument.symbol):
            make_candles_rows(self.instrument, [close], start=self.next, source=Source.REPLAY)
        Feed.objects.update(position=self.next)
        self.next += HOUR
        return feed_trade(feed_id=self.feed.pk)

    @contextmanager
    def fills_refused(self):
        """Let the database refuse every fill of the broken account."""
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; "
                "END $$; CREATE TRIGGER refuse BEFORE INSERT ON orders_fill FOR EACH ROW "
                f"WHEN (NEW.connection_id = '{self.broken.portfolio.connection_id}') EXECUTE FUNCTION refuse()"
            )
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP TRIGGER refuse ON orders_fill; DROP FUNCTION refuse()")


@pytest.fixture
def market(trader, other_trader):
    return Market(trader, other_trader)


def filled_at(order):
    return list(Fill.objects.filter(order=order).values_list("executed_at", "price"))


def test_nobody_else_waits_for_an_account_that_a_candle_breaks(market):
    stuck, other = market.broken.place(quantity="1"), market.sound.place(quantity="1")
    with market.fills_refused():
        assert market.candle(100) == 1
        later = market.sound.place("sell", "1")
        assert market.candle(110) == 1
    assert SeriesCursor.objects.get().traded_through == MARKET_TIME + HOUR
    assert filled_at(other) == [(MARKET_TIME, 100)]
    assert filled_at(later) == [(MARKET_TIME + HOUR, 110)]
    stuck.refresh_from_db()
    assert (stuck.status, stuck.filled_quantity) == ("open", 0)
    row = LaggingAccount.objects.get()
    assert (row.connection, row.traded_through, row.attempts) == (
        market.broken.portfolio.connection, MARKET_TIME - HOUR, 2,
    )  # fmt: skip
    assert "refused" in row.error


def test_its_owner_and_no_other_trader_is_told_until_it_is_over(market):
    market.broken.place(quantity="1")
    with market.fills_refused():
        market.candle()
    alert = Alert.objects.get(code="account_lags")
    assert (alert.owner, alert.severity, alert.is_open) == (market.broken.owner, "critical", True)
    assert "refused" in alert.message
    market.candle()
    alert.refresh_from_db()
    assert not alert.is_open


def test_mended_it_meets_every_candle_that_it_missed_in_order(market):
    entry = market.broken.place("buy", "1", "limit", limit_price="100", stop_loss="90")
    with market.fills_refused():
        for close in (100, 95, 80):
            market.candle(close)
    assert not Fill.objects.exists()
    market.candle(100)
    assert filled_at(entry) == [(MARKET_TIME, 100)]
    stop = Order.objects.get(role="stop_loss")
    assert filled_at(stop) == [(MARKET_TIME + 2 * HOUR, 80)]  # The third candle opens below it.
    assert not LaggingAccount.objects.exists()


def test_what_is_placed_while_it_lags_meets_no_candle_from_before(market):
    market.broken.place("buy", "1", "limit", limit_price="100")
    with market.fills_refused():
        market.candle(100)
        market.candle(90)
        late = market.broken.place("buy", "1", "limit", limit_price="95")
    market.candle(94)
    assert filled_at(late) == [(MARKET_TIME + 2 * HOUR, 94)]


def test_its_strategies_hold_meanwhile_and_say_why(market, monkeypatch):
    rule = add_rule(monkeypatch, Sure)
    held, free = (
        make_strategy(desk.portfolio, instrument=market.instrument, enabled=True, rule=rule.name)
        for desk in (market.broken, market.sound)
    )
    market.broken.place(quantity="1")
    with market.fills_refused():
        market.candle()
    held.refresh_from_db()
    assert held.last_error.startswith("Holds: its account waits for a candle")
    assert [signal.strategy for signal in Signal.objects.all()] == [free]
    market.candle()
    held.refresh_from_db()
    assert held.last_error == ""
    assert Signal.objects.filter(strategy=held).exists()


def test_more_than_it_may_catch_up_with_at_once_is_spread_over_several_candles(market, monkeypatch):
    monkeypatch.setattr("apps.orders.services.market.lagging.AT_ONCE", 2)
    market.broken.place("buy", "1", "limit", limit_price="90")
    late = market.broken.place(quantity="1")
    with market.fills_refused():
        for _ in range(5):
            market.candle()
    caught_up = []
    while row := LaggingAccount.objects.first():
        caught_up.append(row.traded_through)
        market.candle()
    # Two candles at each one that comes: five were missed, and two more came meanwhile.
    assert caught_up == [MARKET_TIME + hours * HOUR for hours in (-1, 1, 3, 5, 7)]
    assert filled_at(late) == [(MARKET_TIME, 100)]


def test_a_book_that_cannot_even_be_looked_at_is_its_accounts_own_fault(market, monkeypatch):
    stuck, other = market.broken.place(quantity="1"), market.sound.place(quantity="1")
    look = matching.resting_order

    def unreadable(order):
        if order.client_order_id == stuck.client_order_id:
            raise ValueError("That is no order.")
        return look(order)

    monkeypatch.setattr(matching, "resting_order", unreadable)
    market.candle()
    assert filled_at(other) == [(MARKET_TIME, 100)]
    assert LaggingAccount.objects.get().error.endswith("That is no order.")


def test_a_database_that_is_away_is_nobodys_own_fault_and_the_candle_waits(market, monkeypatch):
    order = market.sound.place(quantity="1")
    with monkeypatch.context() as cut:
        cut.setattr(meeting, "report_take", lambda **report: _raise(OperationalError("The connection is closed.")))
        with pytest.raises(OperationalError):
            market.candle()
    assert not LaggingAccount.objects.exists()
    assert feed_trade(feed_id=market.feed.pk) == 1
    assert filled_at(order) == [(MARKET_TIME, 100)]


def _raise(error):
    raise error
