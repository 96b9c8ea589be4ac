"""History traded by the platform, against a reference that knows nothing of it: equal to the last digit."""

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.core.management import CommandError, call_command

from apps.marketdata import datasets
from apps.marketdata.models import Instrument
from apps.orders.models import Fill, Order, OrderEvent
from apps.orders.services.market.replaying import NothingToReplay, replay_trade
from apps.portfolio.models import EquitySnapshot, Portfolio
from apps.strategies.services import strategy_create, strategy_enable
from tests.builders import make_portfolio
from tests.integration.reference_trader import ReferenceTrader

pytestmark = pytest.mark.django_db
START, END = datetime(2017, 10, 1, tzinfo=UTC), datetime(2018, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def portfolio(trader):
    datasets.install()
    portfolio = make_portfolio(trader, initial_cash=D(100_000))
    strategy = strategy_create(
        portfolio=portfolio,
        name="Cross",
        rule="sma_cross",
        instrument=Instrument.objects.get(symbol="GOOGL"),
        timeframe="1d",
        parameters={"fast": 3, "slow": 20},
        direction="both",
        sizing_mode="fixed_quantity",
        sizing_value=D(5),
    )
    strategy_enable(strategy=strategy)
    return portfolio


def reference() -> ReferenceTrader:
    trader = ReferenceTrader(fast=3, slow=20, size=D(5), cash=D(100_000))
    with (datasets.FOLDER / "googl-1d-2009-2018.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            opened = datetime.fromisoformat(row["Date"]).replace(tzinfo=UTC)
            if opened < END:
                prices = [D(row[name]) for name in ("Open", "High", "Low", "Close")]
                trader.see(opened, opened + DAY, *prices, trades=opened >= START)
    return trader


def test_a_replay_trades_as_the_reference_does_to_the_last_digit(portfolio):
    expected = reference()
    result = replay_trade(portfolio=portfolio, source="csv", start=START, end=END)
    fills = Fill.objects.filter(order__portfolio=result.portfolio).order_by("executed_at", "created_at")
    got = list(fills.values_list("executed_at", "side", "quantity", "price", "fee", "realized_pnl"))
    assert got == expected.fills
    assert result.portfolio.cash == expected.cash
    assert result.portfolio.realized_pnl == expected.realized
    assert result.fills == len(expected.fills)
    # What the period is known to hold, so that the comparison cannot go empty: exits of all three kinds.
    roles = set(fills.values_list("order__role", flat=True))
    assert roles >= {"entry", "flip", "stop_loss", "take_profit"}


def test_the_money_of_a_replay_adds_up(portfolio):
    result = replay_trade(portfolio=portfolio, source="csv", start=START, end=END)
    summary = result.summary
    assert summary.equity == D(100_000) + summary.realized_pnl + summary.unrealized_pnl - summary.fees_paid
    fills = Fill.objects.filter(order__portfolio=result.portfolio)
    assert sum(fill.fee for fill in fills) == summary.fees_paid
    assert sum(fill.realized_pnl for fill in fills) == summary.realized_pnl
    newest = EquitySnapshot.objects.filter(portfolio=result.portfolio).latest("at")
    assert newest.equity == summary.equity


def test_the_same_replay_twice_gives_the_same_fingerprint_and_leaves_the_portfolio_alone(portfolio):
    first, second = (
        replay_trade(portfolio=portfolio, source="csv", start=START, end=datetime(2017, 12, 1, tzinfo=UTC))
        for _ in range(2)
    )
    assert first.fingerprint == second.fingerprint
    assert first.portfolio != second.portfolio
    assert not Order.objects.filter(portfolio=portfolio).exists()
    assert Portfolio.objects.get(pk=portfolio.pk).cash == D(100_000)


def test_every_order_of_a_replay_tells_its_whole_story(portfolio):
    result = replay_trade(portfolio=portfolio, source="csv", start=START, end=datetime(2017, 12, 1, tzinfo=UTC))
    orders = Order.objects.filter(portfolio=result.portfolio)
    assert orders.filter(role="entry").exists()
    for order in orders:
        events = list(OrderEvent.objects.filter(order=order).order_by("version"))
        assert [event.version for event in events] == list(range(order.version + 1))
        assert events[0].kind == "placed"
        assert events[-1].to_status == order.status
    for entry in orders.filter(role__in=["entry", "flip"]):
        assert entry.signal.strategy == entry.strategy
        assert entry.signal.outcome == "ordered"


def test_the_command_prints_what_came_of_it(portfolio, capsys):
    call_command("trade_replay", "--portfolio", "Main", "--from", "2017-01-01", "--to", "2017-03-01")
    out = capsys.readouterr().out
    for word in ("Candles", "Signals", "Orders", "Fills", "Realized PnL", "Fees", "Equity", "Fingerprint"):
        assert word in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--portfolio", "Nobody"], "There is no portfolio 'Nobody'; there are: 'Main'"),
        (["--portfolio", "Main", "--from", "2017-02-01", "--to", "2017-01-01"], "is not before"),
        (["--portfolio", "Main", "--from", "1999-01-01", "--to", "1999-02-01"], "import them with"),
        (["--portfolio", "Main", "--from", "yesterday"], "is no time"),
    ],
)
def test_the_command_refuses_what_makes_no_sense_in_one_line(portfolio, arguments, words):
    with pytest.raises(CommandError, match=words) as caught:
        call_command("trade_replay", *arguments)
    assert "\n" not in str(caught.value)
    assert not Portfolio.objects.filter(is_simulation=True).exists()


def test_a_portfolio_without_an_enabled_strategy_has_nothing_to_replay(trader):
    with pytest.raises(NothingToReplay, match="no enabled strategy"):
        replay_trade(portfolio=make_portfolio(trader), source="csv", start=None, end=None)
