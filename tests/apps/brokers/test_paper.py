"""The paper venue's book: fills in part, what ends an order, pairs, and what a restart leaves; worked out by hand."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from algotrendy.trading.errors import BrokerRejected
from algotrendy.trading.values import TimeInForce
from apps.brokers.models import PaperOrder, PaperTrade
from tests.apps.brokers.venue import HOUR, Venue
from tests.builders import MARKET_TIME, make_candles_rows

pytestmark = pytest.mark.django_db
TENTH = {"volume_share": D("0.1")}


@pytest.fixture
def venue(trader):
    return Venue(trader)


@pytest.fixture
def thin(trader):
    """An account that may take a tenth of each candle's volume."""
    return Venue(trader, **TENTH)


def known(venue, name):
    order = venue.order(name)
    return order.status.value, order.filled_quantity, order.average_price


def test_a_market_order_takes_its_share_of_each_candle_until_it_is_filled(thin):
    thin.send("a")
    assert thin.show(o="100", volume="40") == [("filled", "a", D(4), D(100))]
    assert known(thin, "a") == ("partially_filled", D(4), D(100))
    assert thin.show(o="103", volume="20") == [("filled", "a", D(2), D(103))]
    assert thin.show(o="104", volume="1000") == [("filled", "a", D(4), D(104))]
    assert known(thin, "a") == ("filled", D(10), D("102.2"))  # (400 + 206 + 416) / 10
    assert thin.show() == []


def test_orders_share_a_candle_in_the_order_of_arrival_and_other_accounts_have_their_own(thin, other_trader):
    other = Venue(other_trader, **TENTH)
    for venue in (thin, other):
        venue.send("first", quantity="3")
        venue.send("second", quantity="4")
        venue.send("third", quantity="4")
        assert venue.show(volume="50") == [("filled", "first", D(3), D(100)), ("filled", "second", D(2), D(100))]
    assert [known(thin, name)[1] for name in ("first", "second", "third")] == [3, 2, 0]


def test_a_candle_that_is_shown_again_gives_no_more_than_its_share(thin):
    """The share that was taken is in the database: a worker that died in between does not give it twice."""
    thin.send("a", quantity="5")
    thin.show(volume="50")
    thin.send("b", quantity="5", active_from=thin.now - HOUR)
    thin.now -= HOUR
    assert thin.show(volume="50") == []
    assert thin.show(volume="50") == [("filled", "b", D(5), D(100))]


def test_the_share_of_a_candle_is_not_lessened_by_fills_at_the_close_of_the_one_before(thin):
    thin.send("a", kind="limit", limit_price="97", quantity="5")
    assert thin.show(volume="50") == [("filled", "a", D(5), D(97))]
    assert PaperTrade.objects.get().executed_at == thin.now
    thin.send("b", quantity="5")
    assert thin.show(volume="50") == [("filled", "b", D(5), D(100))]


def test_an_ioc_order_takes_what_it_can_and_a_fok_order_all_or_nothing(thin):
    thin.send("ioc", time_in_force=TimeInForce.IOC)
    thin.send("fok", time_in_force=TimeInForce.FOK)
    assert thin.show(volume="60") == [
        ("expired", "fok", D(0), D(0)),
        ("filled", "ioc", D(6), D(100)),
        ("canceled", "ioc", D(0), D(0)),
    ]
    assert known(thin, "ioc") == ("canceled", D(6), D(100))
    assert known(thin, "fok") == ("expired", D(0), None)
    thin.send("whole", time_in_force=TimeInForce.FOK)
    assert thin.show(volume="100") == [("filled", "whole", D(10), D(100))]


def test_a_stop_that_fills_in_part_goes_on_at_the_market(thin):
    thin.send("stop", side="sell", kind="stop", stop_price="96")
    assert thin.show(volume="40") == [("filled", "stop", D(4), D(96))]
    assert thin.show(o="120", h="121", lo="119", c="120", volume="1000") == [("filled", "stop", D(6), D(120))]


def test_what_is_left_of_an_order_can_be_reduced_and_canceled(thin):
    thin.send("a")
    thin.show(volume="40")
    assert thin.gateway.reduce_order("a", "BTC/USD", D(7)).quantity == 10  # More than the 6 that are left.
    reduced = thin.gateway.reduce_order("a", "BTC/USD", D(5))
    assert (reduced.quantity, reduced.filled_quantity, reduced.status.value) == (D(9), D(4), "partially_filled")
    canceled = thin.gateway.cancel_order("a", "BTC/USD")
    assert (canceled.status.value, canceled.filled_quantity, canceled.average_price) == ("canceled", D(4), D(100))
    assert thin.show() == []


def test_the_other_of_a_pair_shrinks_by_what_the_first_takes_and_is_gone_with_the_rest(thin):
    thin.send("target", "sell", kind="take_profit", stop_price="104", oco_group="pair")
    thin.send("stop", "sell", kind="stop", stop_price="90", oco_group="pair")
    thin.send("alone", "sell", kind="stop", stop_price="90")
    assert thin.show(volume="40") == [("filled", "target", D(4), D(104)), ("reduced", "stop", D(6), D(0))]
    assert thin.order("stop").quantity == 6
    assert thin.order("alone").quantity == 10
    thin.gateway.cancel_order("alone", "BTC/USD")
    assert thin.show("95", "96", "89", "90", volume="20") == [
        ("filled", "stop", D(2), D(90)),
        ("reduced", "target", D(8), D(0)),
    ]
    assert thin.order("target").filled_quantity == 4
    assert thin.show("95", "96", "89", "90") == [("filled", "stop", D(4), D(95)), ("canceled", "target", D(0), D(0))]
    assert thin.gateway.fetch_positions(["BTC/USD"])["BTC/USD"].quantity == -10


def test_a_smaller_partner_that_has_nothing_left_is_canceled(thin):
    thin.send("big", "sell", "10", "take_profit", stop_price="104", oco_group="pair")
    thin.send("small", "sell", "3", "stop", stop_price="90", oco_group="pair")
    assert thin.show(volume="30") == [("filled", "big", D(3), D(104)), ("canceled", "small", D(0), D(0))]


def test_a_trailing_stop_follows_candle_by_candle_and_no_candle_twice(venue):
    venue.send("trail", "sell", kind="trailing_stop", trail_amount="5")
    assert venue.show("100", "108", "96", "107") == []
    assert PaperOrder.objects.get().best_price == 108
    venue.now -= HOUR
    assert venue.show("100", "108", "96", "107") == []  # Its own high must not reach back to its low.
    assert venue.show("107", "112", "104", "111") == []
    assert venue.show("111", "111.50", "106.99", "107") == [("filled", "trail", D(10), D(107))]


def test_a_trailing_stop_by_percent_keeps_its_best_price_over_a_fill_in_part(thin):
    thin.send("trail", "buy", kind="trailing_stop", trail_percent="10")
    thin.show("100", "101", "90", "91", volume="10")
    assert thin.show("92", "99", "91", "98", volume="40") == [("filled", "trail", D(4), D(99))]
    assert PaperOrder.objects.get().best_price == 90
    assert thin.show("80", "81", "79", "80") == [("filled", "trail", D(6), D(80))]


def test_a_post_only_order_that_would_take_at_the_newest_price_is_refused_at_once(venue):
    make_candles_rows(venue.instrument, [100], start=MARKET_TIME - HOUR)
    with pytest.raises(BrokerRejected) as caught:
        venue.send("maker", kind="limit", limit_price="100", post_only=True)
    assert caught.value.code == "post_only_would_take"
    assert not PaperOrder.objects.exists()
    assert venue.send("maker", kind="limit", limit_price="99.99", post_only=True).status.value == "open"
    make_candles_rows(venue.instrument, [90], start=MARKET_TIME)
    assert venue.send("maker", kind="limit", limit_price="99.99", post_only=True).status.value == "open"  # the first


def test_a_price_of_later_than_the_order_refuses_nothing(venue):
    make_candles_rows(venue.instrument, [90], start=MARKET_TIME)
    assert venue.send("maker", kind="limit", limit_price="99", post_only=True).status.value == "open"


def test_a_post_only_order_that_would_take_at_its_first_open_ends_there_and_one_that_rests_fills(venue):
    venue.send("takes", kind="limit", limit_price="101", post_only=True)
    venue.send("rests", kind="limit", limit_price="94", post_only=True)
    assert venue.show() == [("canceled", "takes", D(0), D(0))]
    assert venue.show("93", "94", "92", "93") == [("filled", "rests", D(10), D(93))]


def test_an_order_is_under_way_for_the_latency_in_market_time(trader):
    venue = Venue(trader, latency_ms=1500)
    venue.send("late")
    assert PaperOrder.objects.get().active_from == MARKET_TIME + timedelta(seconds=1.5)
    assert venue.show("100", "100", "100", "100") == []
    assert venue.show("110", "110", "110", "110") == [("filled", "late", D(10), D(110))]


def test_an_unknown_symbol_and_an_unknown_order_are_refused_for_good(venue):
    venue.send("a")
    PaperOrder.objects.all().delete()
    venue.instrument.delete()
    with pytest.raises(BrokerRejected) as caught:
        venue.send("b")
    assert caught.value.code == "unknown_symbol"
    with pytest.raises(BrokerRejected) as caught:
        venue.gateway.cancel_order("a", "BTC/USD")
    assert caught.value.code == "unknown_order"


def test_what_the_venue_lists_is_complete(thin):
    thin.send("a", quantity="6")
    thin.send("b", "sell", quantity="10", kind="limit", limit_price="104")
    thin.show(volume="80")
    thin.show("104", "106", "103", "105", volume="30")
    assert [(o.client_order_id, o.status.value, o.filled_quantity, o.average_price, o.quantity)
            for o in thin.gateway.fetch_open_orders("BTC/USD")] == [
        ("b", "partially_filled", D(5), D(104), D(10))
    ]  # fmt: skip
    trades = thin.gateway.fetch_trades("BTC/USD", None)
    assert [(t.client_order_id, t.quantity, t.price) for t in trades] == [
        ("a", D(6), D(100)),
        ("b", D(2), D(104)),
        ("b", D(3), D(104)),
    ]
    assert [t.quantity for t in thin.gateway.fetch_order_trades("b", "BTC/USD")] == [D(2), D(3)]
    assert thin.gateway.fetch_trades("BTC/USD", trades[1].at) == trades[1:]
    assert thin.gateway.fetch_positions(["BTC/USD", "ETH/USD"]).keys() == {"BTC/USD"}
    assert thin.gateway.fetch_positions(["BTC/USD"])["BTC/USD"].quantity == 1
