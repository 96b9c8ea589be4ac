"""Signals that wait for a person: they trade at the price of the decision, once, in time, or not at all."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from algotrendy.trading.candles import Bar
from algotrendy.trading.values import Timeframe
from apps.accounts.models import AuditEvent
from apps.orders.models import Order
from apps.orders.services.signals.approving import (
    SignalDecided,
    SignalLapsed,
    signal_approve,
    signal_decline,
    signals_lapse,
)
from apps.orders.services.signals.executing import signal_execute
from apps.strategies.models import Signal
from tests.builders import MARKET_TIME, make_candles_rows, make_order, make_position, make_signal, make_strategy

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def strategy(desk):
    return make_strategy(desk.portfolio, instrument=desk.instrument, enabled=True, needs_approval=True)


def bar_at(close, instrument="BTC/USD"):
    price = D(close)
    return Bar(instrument, Timeframe.H1, MARKET_TIME, price, price, price, price, D(1))


@pytest.fixture
def waiting(strategy):
    """A buy at 100 that waits."""
    signal = make_signal(strategy)
    assert signal_execute(signal=signal, bar=bar_at(100)) is None
    signal.refresh_from_db()
    return signal


def move_market(desk, close):
    make_candles_rows(desk.instrument, [close], start=MARKET_TIME + HOUR)


def test_a_signal_waits_for_as_long_as_its_strategy_gives_it(waiting):
    assert waiting.outcome == "awaiting"
    left = waiting.expires_at - timezone.now()
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    assert not Order.objects.exists()


def test_an_approved_signal_is_sized_and_protected_at_the_price_of_the_decision(waiting, desk):
    move_market(desk, 125)
    signal = signal_approve(signal=waiting, actor=desk.owner)
    order = Order.objects.get()
    assert (signal.outcome, signal.decided_by) == ("ordered", desk.owner)
    assert (order.signal, order.quantity, order.reference_price) == (signal, D(4), D(125))  # 5 % of 10,000 at 125
    assert (order.stop_loss, order.take_profit) == (D("118.75"), D("137.5"))
    assert order.client_order_id == f"signal-{signal.pk.hex}"
    event = AuditEvent.objects.get(action="signal.approved")
    assert (event.user_id, event.details["outcome"]) == (desk.owner.pk, "ordered")


def test_a_declined_signal_trades_nothing_and_cannot_be_approved_after_all(waiting, desk):
    assert signal_decline(signal=waiting, actor=desk.owner).outcome == "declined"
    with pytest.raises(SignalDecided, match="it is declined"):
        signal_approve(signal=waiting, actor=desk.owner)
    assert not Order.objects.exists()
    assert AuditEvent.objects.filter(action="signal.declined").count() == 1


def test_only_one_decision_is_ever_taken(waiting, desk):
    signal_approve(signal=waiting, actor=desk.owner)
    for decide in (signal_approve, signal_decline):
        with pytest.raises(SignalDecided, match="it is ordered"):
            decide(signal=waiting, actor=desk.owner)
    assert Order.objects.count() == 1


@pytest.mark.parametrize("swept", [False, True])
@pytest.mark.parametrize("decide", [signal_approve, signal_decline])
def test_after_its_time_a_signal_has_lapsed_whether_or_not_it_was_swept(waiting, desk, decide, swept):
    Signal.objects.filter(pk=waiting.pk).update(expires_at=timezone.now())
    if swept:
        assert signals_lapse() == 1
    with pytest.raises(SignalLapsed) as caught:
        decide(signal=waiting, actor=desk.owner)
    assert caught.value.code == "signal_lapsed"
    waiting.refresh_from_db()
    assert (waiting.outcome, waiting.decided_by) == ("lapsed", None)
    assert not Order.objects.exists()


def test_only_what_is_due_lapses(waiting):
    assert signals_lapse() == 0
    waiting.refresh_from_db()
    assert waiting.outcome == "awaiting"


def test_a_newer_signal_takes_the_place_of_an_older_one(waiting, strategy):
    newer = make_signal(strategy, action="buy")
    signal_execute(signal=newer, bar=bar_at(101))
    waiting.refresh_from_db()
    newer.refresh_from_db()
    assert (waiting.outcome, newer.outcome) == ("skipped", "awaiting")
    assert "superseded" in waiting.outcome_reason


def test_another_strategys_signal_leaves_it_waiting(waiting, desk):
    other = make_strategy(desk.portfolio, "Other", instrument=desk.instrument, enabled=True, needs_approval=True)
    signal_execute(signal=make_signal(other), bar=bar_at(100))
    assert Signal.objects.filter(outcome="awaiting").count() == 2


def test_what_has_changed_meanwhile_is_checked_again(waiting, desk, strategy):
    make_position(desk.portfolio, instrument=desk.instrument, book=strategy.slug)
    signal = signal_approve(signal=waiting, actor=desk.owner)
    assert (signal.outcome, signal.outcome_reason) == ("skipped", "It asks for what is held already.")


def test_a_working_order_of_the_strategy_skips_it(waiting, desk, strategy):
    make_order(desk.portfolio, instrument=desk.instrument, strategy=strategy, role="entry")
    signal = signal_approve(signal=waiting, actor=desk.owner)
    assert (signal.outcome, signal.outcome_reason) == ("skipped", "An order of the strategy is still working.")


def test_the_limits_of_now_deny_it(waiting, desk):
    desk.portfolio.risk_profile.max_position_size_percent = D(1)
    desk.portfolio.risk_profile.save()
    signal = signal_approve(signal=waiting, actor=desk.owner)
    assert signal.outcome == "denied"
    assert Order.objects.get().status == "denied"


def test_a_price_beyond_the_signals_own_stop_skips_it(waiting, desk):
    Signal.objects.filter(pk=waiting.pk).update(stop_loss=D(97))
    move_market(desk, 96)
    signal = signal_approve(signal=waiting, actor=desk.owner)
    assert signal.outcome == "skipped"
    assert "has passed the signal's stop loss of 97" in signal.outcome_reason


def test_a_disabled_strategys_signal_trades_nothing(waiting, desk, strategy):
    strategy.enabled = False
    strategy.save()
    signal = signal_approve(signal=waiting, actor=desk.owner)
    assert (signal.outcome, signal.outcome_reason) == ("skipped", "The strategy is disabled.")


def test_a_simulation_trades_at_once(desk, strategy):
    desk.portfolio.is_simulation = True
    desk.portfolio.save()
    assert signal_execute(signal=make_signal(strategy), bar=bar_at(100)) is not None
    assert Signal.objects.get().outcome == "ordered"


# The API


def test_the_api_decides_and_refuses_with_codes(waiting, desk, client_for):
    client = client_for(desk.owner)
    path = f"/api/signals/{waiting.pk}"
    shown = client.get(path).json()
    assert (shown["outcome"], shown["source"], shown["decided_by"]) == ("awaiting", "rule", None)
    assert [row["id"] for row in client.get("/api/signals", {"outcome": "awaiting"}).json()["results"]] == [shown["id"]]
    assert client.get("/api/signals", {"source": "webhook"}).json()["results"] == []
    answer = client.post(f"{path}/approve")
    assert (answer.status_code, answer.json()["outcome"], answer.json()["decided_by"]) == (200, "ordered", "trader")
    again = client.post(f"{path}/decline")
    assert (again.status_code, again.json()["code"]) == (409, "signal_decided")


def test_a_lapsed_signal_answers_409_with_its_code(waiting, desk, client_for):
    Signal.objects.filter(pk=waiting.pk).update(expires_at=timezone.now())
    answer = client_for(desk.owner).post(f"/api/signals/{waiting.pk}/approve")
    assert (answer.status_code, answer.json()["code"]) == (409, "signal_lapsed")


def test_anothers_signal_is_not_there_and_a_viewer_may_not_decide(waiting, other_trader, viewer, admin, client_for):
    path = f"/api/signals/{waiting.pk}/approve"
    assert client_for(other_trader).post(path).status_code == 404
    assert client_for(viewer).post(path).status_code == 403
    assert not Order.objects.exists()
    assert client_for(admin).post(path).status_code == 200
