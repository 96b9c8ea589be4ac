"""Live trades beside the backtest of the same candles: none apart where all went well, and what is apart in figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from apps.accounts.models import User
from apps.marketdata import datasets
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import bars, candles_window
from apps.orders.services.market.trading import bar_trade
from apps.portfolio.models import Portfolio, Position
from apps.strategies.models import Strategy, StrategyPerformance
from apps.strategies.selectors import positions_in_book
from apps.strategies.services import strategy_configure, strategy_create, strategy_disable, strategy_enable
from apps.strategies.services.comparing import KEPT, NothingToCompare, strategy_compare
from apps.strategies.tasks import compare, compare_all
from tests.builders import make_portfolio

pytestmark = pytest.mark.django_db
START = datetime(2017, 10, 1, tzinfo=UTC)
CASH = D(100_000)


@pytest.fixture
def portfolio(trader: User) -> Portfolio:
    datasets.install()
    return make_portfolio(trader, initial_cash=CASH)


@pytest.fixture
def strategy(portfolio: Portfolio) -> Strategy:
    return enabled_cross(portfolio)


def enabled_cross(portfolio: Portfolio, **options: Any) -> Strategy:
    strategy = strategy_create(
        portfolio=portfolio, name="Cross", rule="sma_cross", instrument=Instrument.objects.get(symbol="GOOGL"),
        timeframe="1d", parameters={"fast": 3, "slow": 20}, **{"direction": "both", **options},
    )  # fmt: skip
    return strategy_enable(strategy=strategy)


def trade_live(strategy: Strategy, start: datetime, end: datetime) -> None:
    """Let the stored candles arrive one by one, as the worker trades those of a feed."""
    instrument = strategy.instrument

    def window(until: datetime, length: int) -> Any:
        return candles_window(instrument=instrument, timeframe="1d", source="csv", until=until, length=length)

    for bar in bars(instrument=instrument, timeframe="1d", source="csv", start=start, end=end):
        bar_trade(instrument=instrument, bar=bar, window=window)


def traded(strategy: Strategy, start: datetime = START, end: datetime = datetime(2018, 3, 1, tzinfo=UTC)) -> Strategy:
    trade_live(strategy, start, end)
    return fresh(strategy)


def fresh(strategy: Strategy) -> Strategy:
    return Strategy.objects.get(pk=strategy.pk)


def profit(position: Position) -> D:
    """What a closed position made, net of fees."""
    made: D = position.realized_pnl - position.fees_paid
    return made


def test_what_was_traded_as_it_should_be_has_no_drift(strategy: Strategy) -> None:
    row = strategy_compare(strategy=traded(strategy))
    positions = list(positions_in_book(strategy))
    assert len(positions) > 8, "a comparison of nothing would agree as well"
    assert (row.live_trades, row.backtest_trades, row.matched_trades, row.matched_share) == (*[len(positions)] * 3, 1)
    assert row.drift_percent == 0
    assert row.details == {"missing": [], "extra": [], "differing": []}
    assert row.account == CASH
    portfolio = Portfolio.objects.get(pk=strategy.portfolio_id)
    unrealized = sum(each.unrealized_pnl for each in positions if each.closed_at is None)
    assert row.live_pnl == portfolio.realized_pnl - portfolio.fees_paid + unrealized
    assert row.live_pnl == pytest.approx(row.backtest_pnl, abs=D("0.000001"))
    assert (row.period_start, row.strategy_version) == (datetime(2017, 10, 2, tzinfo=UTC), 1)
    assert row.period_end == fresh(strategy).last_run_at


def test_a_trade_that_was_never_made_is_missing_and_its_profit_is_the_drift(strategy: Strategy) -> None:
    strategy = traded(strategy)
    gone = positions_in_book(strategy).filter(closed_at__isnull=False)[2]
    lost, entered, side = profit(gone), gone.opened_at, gone.side
    gone.delete()
    row = strategy_compare(strategy=strategy)
    count = positions_in_book(strategy).count()
    assert (row.live_trades, row.backtest_trades, row.matched_trades) == (count, count + 1, count)
    assert row.matched_share == count / (count + 1)
    (missing,) = row.details["missing"]
    assert (missing["entered"], missing["side"]) == (f"{entered:%Y-%m-%dT%H:%M:%SZ}", side)
    assert D(missing["pnl"]) == pytest.approx(lost, abs=D("0.000001"))
    assert row.drift_percent == round(-lost / CASH * 100, 4)
    assert row.drift_percent != 0


def test_a_worse_fill_and_a_trade_by_hand_show_with_their_figures(strategy: Strategy) -> None:
    strategy = traded(strategy)
    worse = positions_in_book(strategy).filter(closed_at__isnull=False)[1]
    worse.realized_pnl -= 300
    worse.save()
    free = datetime(2017, 12, 25, tzinfo=UTC)  # The market rests: the candle before it is Friday's.
    Position.objects.create(
        portfolio=strategy.portfolio, instrument=strategy.instrument, book=strategy.slug, side="long",
        opened_at=free, closed_at=free + timedelta(hours=1), realized_pnl=D(55), fees_paid=D(5),
        entry_price=D(1000), max_quantity=D(1),
    )  # fmt: skip
    row = strategy_compare(strategy=strategy)
    (extra,), (differing,) = row.details["extra"], row.details["differing"]
    assert (extra["entered"], extra["pnl"]) == ("2017-12-22T00:00:00Z", "50")
    assert D(differing["backtest_pnl"]) - D(differing["pnl"]) == pytest.approx(D(300), abs=D("0.000001"))
    assert row.details["missing"] == []
    assert row.live_trades == row.backtest_trades + 1
    assert row.drift_percent == D("-0.25"), "50 won and 300 lost of 100,000"


def test_the_period_begins_anew_with_each_change_and_after_each_pause(strategy: Strategy) -> None:
    first, second = datetime(2017, 12, 1, tzinfo=UTC), datetime(2018, 2, 1, tzinfo=UTC)
    trade_live(strategy, START, first)
    strategy_configure(strategy=strategy, parameters={"slow": 15})
    trade_live(strategy, first, second)
    row = strategy_compare(strategy=fresh(strategy))
    assert row.strategy_version == 2
    assert row.period_start >= first - timedelta(days=1)
    assert row.matched_share == 1
    assert row.live_trades == row.backtest_trades > 2
    assert row.drift_percent == pytest.approx(0, abs=D("0.001")), "what was held at the change is in the account"
    strategy_disable(strategy=strategy)
    strategy_enable(strategy=strategy)
    assert fresh(strategy).running_since is None
    with pytest.raises(NothingToCompare, match="no candle since"):
        strategy_compare(strategy=fresh(strategy))


def test_a_new_name_does_not_begin_a_period(strategy: Strategy) -> None:
    since = traded(strategy, end=datetime(2017, 11, 1, tzinfo=UTC)).running_since
    assert since == datetime(2017, 10, 3, tzinfo=UTC)
    assert strategy_configure(strategy=strategy, name="Another").running_since == since


def test_a_position_of_before_is_left_out_until_it_is_closed(portfolio: Portfolio) -> None:
    strategy = enabled_cross(portfolio, protect=False)
    trade_live(strategy, START, datetime(2017, 11, 1, tzinfo=UTC))
    held = positions_in_book(strategy).get(closed_at__isnull=True)
    strategy_configure(strategy=strategy, sizing_value=D(4))
    first = next(
        bars(
            instrument=strategy.instrument,
            timeframe="1d",
            source="csv",
            start=datetime(2017, 11, 1, tzinfo=UTC),
            end=None,
        )
    )
    trade_live(strategy, first.open_time, first.close_time)
    with pytest.raises(NothingToCompare, match="still holds"):
        strategy_compare(strategy=fresh(strategy))
    trade_live(strategy, first.close_time, datetime(2018, 3, 1, tzinfo=UTC))
    held.refresh_from_db()
    row = strategy_compare(strategy=fresh(strategy))
    assert held.closed_at is not None
    assert row.period_start < held.closed_at <= row.period_start + timedelta(days=4)
    assert row.live_trades == row.backtest_trades == row.matched_trades > 1


def test_the_job_compares_what_trades_and_keeps_the_newest(
    strategy: Strategy, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compare_all() == 0, "it has seen nothing yet"
    traded(strategy, end=datetime(2017, 11, 1, tzinfo=UTC))
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr("apps.common.jobs._send", lambda *arguments: sent.append(arguments))
    with django_capture_on_commit_callbacks(execute=True):
        assert compare_all() == 1
    assert [(task, args) for task, args, _ in sent] == [("strategies.compare", (str(strategy.pk),))]
    assert compare(str(strategy.pk)) == "0.0000"
    oldest = StrategyPerformance.objects.get()
    for _ in range(KEPT):
        compare(str(strategy.pk))
    assert StrategyPerformance.objects.count() == KEPT
    assert not StrategyPerformance.objects.filter(pk=oldest.pk).exists()
    strategy_disable(strategy=strategy)
    assert (compare_all(), compare(str(strategy.pk))) == (0, None)


def test_a_strategy_of_a_simulation_is_not_compared(strategy: Strategy) -> None:
    traded(strategy, end=datetime(2017, 11, 1, tzinfo=UTC))
    Portfolio.objects.update(is_simulation=True)
    assert compare(str(strategy.pk)) is None
    assert not StrategyPerformance.objects.exists()
