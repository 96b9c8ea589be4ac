"""Protections on hand-made candles: a day's loss, a drawdown, a streak of stop losses; figures worked out by hand."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from apps.orders.models import Order
from apps.orders.services.entry.placing import OrderDenied
from apps.portfolio.models import PlatformLimits, Portfolio, RiskProfile, TradingHalt
from apps.portfolio.selectors import Scope
from apps.portfolio.services import halt_end
from tests.apps.orders.stepper import Stepper

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(trader):
    """Limits on losses alone, each test sets its own: 100 a point is 1 % of the 10,000."""
    none = {"daily_loss_limit_percent": D(0), "max_drawdown_percent": D(0), "price_band_percent": D(0)}
    return Stepper(
        trader, **none, max_position_size_percent=D(1000), max_total_exposure_percent=D(1000), cooldown_losses=0
    )


def guard(desk, **limits):
    RiskProfile.objects.filter(portfolio=desk.portfolio).update(**limits)


def halts(cause, **more):
    return TradingHalt.objects.filter(cause=cause, **more)


def long_100(desk):
    """Buy 100 at 100 for all of the 10,000, in the candle from 12:00."""
    desk.place(quantity="100")
    desk.bar("100")


def is_open_to_buy(desk):
    with suppress(OrderDenied):
        desk.commit(quantity="1", kind="limit", limit_price="50")
    newest = Order.objects.filter(portfolio=desk.portfolio).latest("created_at")
    assert newest.reason_code in ("", "trading_reducing")
    return newest.status == "pending"


def test_a_days_loss_halts_until_the_next_day_of_the_market(desk):
    guard(desk, daily_loss_limit_percent=D(5))
    long_100(desk)
    desk.bar("95.01")
    assert not halts("daily_loss").exists()
    desk.bar("95")  # 9,500 of 10,000
    halt = halts("daily_loss").get()
    assert (halt.mode, halt.until, halt.started_by) == ("reducing", datetime(2024, 3, 2, tzinfo=UTC), None)
    assert halt.reason == (
        "Equity 9,500.00 is 5.00 % below the day's begin, 10,000.00; the daily loss limit is 5.00 %."
    )
    assert not is_open_to_buy(desk)
    while desk.now < datetime(2024, 3, 2, tzinfo=UTC):
        assert halts("daily_loss", ended_at=None).count() == 1  # However often it is looked at.
        desk.bar("95")
    assert halts("daily_loss").count() == 1
    assert not halts("daily_loss", ended_at=None).exists()
    assert is_open_to_buy(desk)
    assert (desk.account.day.isoformat(), desk.account.day_equity) == ("2024-03-02", D(9_500))


def test_each_day_is_measured_from_its_own_begin(desk):
    guard(desk, daily_loss_limit_percent=D(5))
    long_100(desk)
    for close in ("97", "96"):
        desk.bar(close)
    desk.now = datetime(2024, 3, 2, 5, tzinfo=UTC)  # A night without candles: the day began at 9,600.
    desk.bar("91.21")
    assert desk.account.day_equity == D(9_600)
    assert not halts("daily_loss").exists()
    desk.bar("91.2")  # 5 % below 9,600
    assert halts("daily_loss").exists()


def test_a_loss_that_shows_only_at_midnight_halts_the_day_that_begins(desk):
    guard(desk, daily_loss_limit_percent=D(5))
    long_100(desk)
    desk.now = datetime(2024, 3, 1, 23, tzinfo=UTC)
    desk.bar("94")
    assert halts("daily_loss", ended_at=None).get().until == datetime(2024, 3, 3, tzinfo=UTC)


def test_a_candle_from_long_before_begins_the_day_anew_and_a_late_one_does_not(desk):
    long_100(desk)
    assert desk.account.day.isoformat() == "2024-03-01"
    desk.now = datetime(2024, 2, 29, 20, tzinfo=UTC)
    desk.bar("98")
    assert desk.account.day.isoformat() == "2024-03-01"
    desk.now = datetime(2024, 2, 1, 20, tzinfo=UTC)
    desk.bar("98")
    assert desk.account.day.isoformat() == "2024-02-01"


def test_a_drawdown_halts_until_a_person_ends_it_and_is_then_measured_anew(desk):
    guard(desk, max_drawdown_percent=D(10))
    long_100(desk)
    desk.bar("110")  # the peak, 11,000
    desk.bar("99.01")
    assert not halts("drawdown").exists()
    desk.bar("99")  # 9,900: 10 % below
    halt = halts("drawdown").get()
    assert (halt.mode, halt.until) == ("reducing", None)
    desk.now += timedelta(days=3)
    desk.bar("99")
    assert not is_open_to_buy(desk)
    halt_end(halt=halt, actor=desk.owner)
    assert desk.account.peak_equity == D(9_900)
    desk.bar("98")
    assert is_open_to_buy(desk)
    desk.bar("89.1")  # 8,910: 10 % below 9,900
    assert halts("drawdown", ended_at=None).count() == 1


def test_a_day_loss_that_a_person_ends_is_measured_anew(desk):
    guard(desk, daily_loss_limit_percent=D(5))
    long_100(desk)
    desk.bar("94")
    halt_end(halt=halts("daily_loss").get(), actor=desk.owner)
    desk.bar("94")
    assert is_open_to_buy(desk)
    desk.bar("89.3")  # 8,930: 5 % below 9,400
    assert halts("daily_loss", ended_at=None).exists()


def stopped(desk, times, **order):
    """Buy at 100 and be stopped out at 99, so many times."""
    for _ in range(times):
        desk.place(quantity="1", stop_loss="99", **order)
        desk.bar("100", "100", "99", "100")


def test_stop_losses_in_a_row_let_the_portfolio_rest_for_a_time_of_the_market(desk):
    guard(desk, cooldown_losses=3, cooldown_seconds=2 * 3600)
    stopped(desk, 2)
    assert not halts("cooldown").exists()
    stopped(desk, 1)
    halt = halts("cooldown").get()
    assert (halt.mode, halt.until) == (
        "reducing",
        desk.now + timedelta(hours=2),
    )  # It was filled by its candle's close.
    assert "3 stop losses in a row" in halt.reason
    desk.bar("100")
    assert not is_open_to_buy(desk)
    desk.bar("100")
    assert is_open_to_buy(desk)
    stopped(desk, 2)  # The streak begins anew.
    assert not halts("cooldown", ended_at=None).exists()
    stopped(desk, 1)
    assert halts("cooldown", ended_at=None).exists()


def test_anything_else_that_closes_breaks_the_streak(desk):
    guard(desk, cooldown_losses=3)
    stopped(desk, 2)
    desk.place(quantity="1")
    desk.bar("100")
    desk.place("sell", "1")
    desk.bar("101")
    stopped(desk, 2)
    assert not halts("cooldown").exists()


@pytest.mark.parametrize("off", [{"circuit_breaker": False}, {}])
def test_nothing_halts_where_the_breaker_is_off_or_no_limit_is_set(desk, off):
    if off:
        guard(desk, daily_loss_limit_percent=D(5), max_drawdown_percent=D(10), cooldown_losses=1, **off)
    long_100(desk)
    desk.bar("50")
    stopped(desk, 1)
    assert not TradingHalt.objects.exists()


def test_the_platforms_loss_limit_holds_where_the_breaker_is_off(desk):
    PlatformLimits.objects.create(daily_loss_limit_percent=D(4))
    guard(desk, circuit_breaker=False)
    long_100(desk)
    desk.bar("96")
    assert halts("daily_loss").exists()


def test_a_simulation_is_never_halted_and_keeps_no_day(trader):
    desk = Stepper(trader, cooldown_losses=1)
    Portfolio.objects.filter(pk=desk.portfolio.pk).update(is_simulation=True)
    desk.portfolio.refresh_from_db()
    desk.place(quantity="100")
    for price in ("100", "50"):
        desk.bar(price, scope=Scope(desk.portfolio.pk))
    assert desk.account.equity.count() == 2
    assert not TradingHalt.objects.exists()
    assert desk.account.day is None
