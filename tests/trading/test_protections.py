"""When a portfolio stops by itself, at the edge of each loss, and which day a moment belongs to."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal as D

import pytest

from algotrendy.trading.protections import Guards, breaches, day_of, guards_within, next_day

GUARDS = Guards(daily_loss_percent=D(5), drawdown_percent=D(15))


def met(guards, equity, day="10000", peak="10000"):
    return [str(each.cause) for each in breaches(guards, equity=D(equity), day_equity=D(day), peak_equity=D(peak))]


@pytest.mark.parametrize(
    ("equity", "day", "peak", "causes"),
    [
        ("9500.01", "10000", "10000", []),
        ("9500", "10000", "10000", ["daily_loss"]),
        ("8500.01", "8600", "10000", []),
        ("8500", "8600", "10000", ["drawdown"]),
        ("8000", "10000", "10000", ["daily_loss", "drawdown"]),
        ("12000", "10000", "12000", []),
        ("0", "0", "0", []),
    ],
)
def test_a_loss_that_reaches_its_limit_is_met(equity, day, peak, causes):
    assert met(GUARDS, equity, day, peak) == causes


def test_no_limit_is_never_met():
    assert met(Guards(), "1") == []


def test_the_reason_has_the_figures():
    (breach,) = breaches(GUARDS, equity=D(9400), day_equity=D(10_000), peak_equity=D(10_000))
    assert breach.reason == (
        "Equity 9,400.00 is 6.00 % below the day's begin, 10,000.00; the daily loss limit is 5.00 %."
    )


def test_the_platforms_stricter_percentages_hold():
    own = Guards(daily_loss_percent=D(5), drawdown_percent=None, cooldown_losses=3, cooldown=timedelta(minutes=5))
    assert guards_within(own, D(3), D(20)) == Guards(D(3), D(20), 3, timedelta(minutes=5))
    assert guards_within(own, D(9), None) == own


def test_midnight_ends_its_day_and_any_other_moment_is_within_it():
    midnight = datetime(2024, 3, 2, tzinfo=UTC)
    assert day_of(midnight) == datetime(2024, 3, 1, tzinfo=UTC)
    assert day_of(midnight + timedelta(microseconds=1)) == midnight
    assert next_day(midnight) == datetime(2024, 3, 3, tzinfo=UTC)
    assert next_day(midnight - timedelta(seconds=1)) == midnight
    # 01:00 at two hours east of UTC is 23:00 of the day before.
    assert day_of(datetime(2024, 3, 2, 1, tzinfo=timezone(timedelta(hours=2)))) == datetime(2024, 3, 1, tzinfo=UTC)
