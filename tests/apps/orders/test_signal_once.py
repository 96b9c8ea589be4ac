"""One order for each signal ever: whatever is cut off, in whichever step, and however many come at once."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D

import pytest
from django.db import connection

from algotrendy.trading.candles import Bar
from algotrendy.trading.values import Timeframe
from apps.marketdata.selectors import candles_window
from apps.orders.models import Order, OrderEvent
from apps.orders.services.entry import placing
from apps.orders.services.market import running
from apps.orders.services.signals import executing as signals
from apps.orders.services.signals.approving import SignalDecided, signal_approve
from apps.orders.services.signals.executing import signal_execute
from apps.portfolio.selectors import LIVE
from apps.strategies.models import Signal
from apps.strategies.services import settling
from tests.apps.strategies.test_evaluating import Sure
from tests.builders import make_candles_rows, make_instrument, make_portfolio, make_signal, make_strategy
from tests.rules import add_rule

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """The process ends here: nothing of the program runs on."""


@pytest.fixture
def strategy(transactional_db, trader, monkeypatch):
    instrument = make_instrument()
    make_candles_rows(instrument, [100, 101, 102])
    rule = add_rule(monkeypatch, Sure)
    return make_strategy(make_portfolio(trader), instrument=instrument, enabled=True, rule=rule.name)


def see_candle(strategy):
    """Let the strategy see its newest candle, as a worker does that begins anew."""
    row = strategy.instrument.candles.latest("open_time")
    bar = Bar("BTC/USD", Timeframe.H1, row.open_time, row.open, row.high, row.low, row.close, row.volume)

    def window(until, length):
        return candles_window(instrument=strategy.instrument, timeframe="1h", source="csv", until=until, length=length)

    running.bar_run(instrument=strategy.instrument, bar=bar, window=window, scope=LIVE, positions=[])


def broken(*args, **kwargs):
    raise ZeroDivisionError("Nothing to divide by.")


def test_a_signal_that_cannot_be_followed_ends_and_the_next_strategys_is_followed(strategy, other_trader, monkeypatch):
    other = make_strategy(
        make_portfolio(other_trader), instrument=strategy.instrument, enabled=True, rule=strategy.rule
    )
    commit = signals.order_commit
    monkeypatch.setattr(
        signals, "order_commit", lambda **kw: (broken if kw["portfolio"] == strategy.portfolio else commit)(**kw)
    )
    for _ in range(2):
        see_candle(strategy)
    dropped, followed = Signal.objects.get(strategy=strategy), Signal.objects.get(strategy=other)
    assert (dropped.outcome, followed.outcome) == ("skipped", "ordered")
    assert dropped.outcome_reason.startswith("Its signal could not be followed: ")
    assert "Nothing to divide by." in dropped.outcome_reason
    assert Order.objects.get().signal == followed
    strategy.refresh_from_db()
    assert strategy.last_error == ""  # It was asked again since, and had nothing new to say.


STEPS = {
    "before the signal is executed": (running, "signal_execute"),
    "when its order is to be committed": (signals, "order_commit"),
    "when the order is written": (placing, "order_begin"),
    "when the signal is to be settled": (signals, "signal_settle"),
    "when it is told": (settling, "publish"),
    "after the order is committed": (running, "strategies_ran"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_dies_in_any_step_leaves_one_order_to_the_next(strategy, monkeypatch, step):
    module, name = STEPS[step]

    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(module, name, die)
        with pytest.raises(Killed):
            see_candle(strategy)
    left = Order.objects.count()
    assert left == (1 if step == "after the order is committed" else 0)
    for _ in range(3):
        see_candle(strategy)
    order = Order.objects.get()
    signal = Signal.objects.get()
    assert (order.signal, signal.outcome) == (signal, "ordered")
    assert OrderEvent.objects.filter(order=order, kind="placed").count() == 1


def at_once(calls):
    def guarded(call):
        try:
            return call()
        except SignalDecided as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(guarded, calls))


def test_two_workers_that_execute_a_signal_at_once_make_one_order(strategy):
    signal = make_signal(strategy)
    price = D(100)
    bar = Bar("BTC/USD", Timeframe.H1, signal.candle_open_time, price, price, price, price, D(1))
    made = at_once([lambda: signal_execute(signal=signal, bar=bar)] * 4)
    assert sum(order is not None for order in made) == 1
    assert Order.objects.count() == 1


def test_two_approvals_at_once_make_one_order(strategy, trader):
    signal = make_signal(strategy, outcome="awaiting")
    made = at_once([lambda: signal_approve(signal=signal, actor=trader)] * 4)
    assert sum(isinstance(each, SignalDecided) for each in made) == 3
    assert Order.objects.get().signal == signal
