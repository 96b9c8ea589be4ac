"""A backtest makes the trades that a replay through the paper broker makes: the same prices, quantities and fees."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from algotrendy.trading.backtest.results import REASONS, ExitReason
from algotrendy.trading.errors import InvalidParameter
from algotrendy.trading.strategies import registry
from apps.marketdata import datasets
from apps.marketdata.models import Instrument
from apps.orders.models import Fill, Order
from apps.orders.services.market.replaying import replay_trade
from apps.strategies.backtests import Period, strategies_backtest
from apps.strategies.models import Strategy
from apps.strategies.services import strategy_create
from tests.builders import make_portfolio

pytestmark = pytest.mark.django_db
CENT8 = D("0.00000001")


def written_down(fast, slow, wait):
    """Return conditions that enter on a cross, and leave by themselves where the price falls behind or turns."""

    def mean(period):
        return {"indicator": "sma", "parameters": {"timeperiod": period}}

    def one(left, comparison, right):
        return {"conditions": [{"left": left, "is": comparison, "right": right}]}

    return {
        "entry_long": one(mean(fast), "crosses_above", mean(slow)),
        "exit_long": one("close", "below", {"indicator": "close", "ago": wait}),
        "entry_short": one(mean(fast), "crosses_below", mean(slow)),
        "exit_short": one("close", "above", {"indicator": "close", "ago": wait}),
        "stop_percent": 2,
        "target_percent": 4,
    }


# Parameters under which each rule trades often on these candles.
LIVELY = {
    "momentum": {"buy_threshold": 0.9, "sell_threshold": -0.9},
    "rsi": {"oversold": 45.0, "overbought": 55.0},
    "macd": {},
    "mfi": {"oversold": 35.0, "overbought": 65.0},
    "vwap": {"deviation": 1.0},
    "sma_cross": {"fast": 3, "slow": 12},
    "bollinger_reversion": {"period": 10, "deviations": 1.0},
    "donchian_breakout": {"entry": 4, "exit": 2},
    "conditions": {"rules": written_down(2, 7, 3)},
}
# Where other parameters are drawn from, so that there is something to compare.
LIKELY = {
    "oversold": (25, 75),
    "overbought": (25, 75),
    "buy_threshold": (0.05, 1.5),
    "sell_threshold": (-1.5, -0.05),
    "deviation": (0.1, 2),
    "deviations": (0.5, 2.5),
    "stop_ranges": (0.5, 2.5),
}


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def portfolio_of(trader, **limits):
    datasets.install()
    portfolio = make_portfolio(trader, initial_cash=D(100_000))
    for name, value in limits.items():
        setattr(portfolio.risk_profile, name, value)
    portfolio.risk_profile.save()
    return portfolio


def configure(portfolio, name, rule, symbol, timeframe, parameters, **options):
    return strategy_create(
        portfolio=portfolio,
        name=name,
        rule=rule,
        instrument=Instrument.objects.get(symbol=symbol),
        timeframe=timeframe,
        parameters=parameters,
        enabled=True,
        **options,
    )


def replayed(portfolio):
    """Return each book's fills of a replayed portfolio, sorted."""
    books = defaultdict(list)
    rows = Fill.objects.filter(order__portfolio=portfolio).values_list(
        "order__book", "executed_at", "side", "quantity", "price", "fee", "order__role"
    )
    for book, *fill, role in rows:
        books[book].append((*fill, role if role in ("stop_loss", "take_profit") else "signal"))
    return {book: sorted(fills) for book, fills in books.items()}


def backtested(result):
    """Return each book's fills of a backtest, sorted; the two halves of a flip are one fill again."""
    books, trades = defaultdict(dict), result.trades
    for k in range(len(trades)):
        side, book = trades.side[k], books[result.books[trades.book[k]].name]
        reason = REASONS[trades.reason[k]]
        legs = [(trades.entry_time[k], side, trades.entry_price[k], trades.entry_fee[k], "signal")]
        if reason is not ExitReason.STILL_OPEN:
            legs.append((trades.exit_time[k], -side, trades.exit_price[k], trades.exit_fee[k], reason.value))
        for time, direction, price, fee, why in legs:
            at = datetime.fromtimestamp(int(time), UTC)
            key = (at, "buy" if direction > 0 else "sell", exact(price), why)
            known = book.setdefault(key, [D(0), D(0)])
            known[0] += exact(trades.quantity[k])
            known[1] += exact(fee)
    return {
        book: sorted((at, side, q, price, fee, why) for (at, side, price, why), (q, fee) in fills.items())
        for book, fills in books.items()
    }


def exact(value):
    return D(repr(float(value))).quantize(CENT8)


def compare(portfolio, start, end, *, as_live=True):
    """Trade the period both ways; return the fills, equal, by book, and the replay's portfolio."""
    strategies = list(Strategy.objects.filter(portfolio=portfolio).select_related("instrument").order_by("slug"))
    period = Period("csv", start, end)
    result = strategies_backtest(strategies=strategies, portfolio=portfolio, period=period, as_live=as_live)
    replay = replay_trade(portfolio=portfolio, source="csv", start=start, end=end)
    expected, got = replayed(replay.portfolio), backtested(result)
    assert got == expected
    assert exact(result.cash()[-1]) == pytest.approx(replay.portfolio.cash, abs=D("0.00001"))
    assert exact(result.final_equity) == pytest.approx(replay.summary.equity, abs=D("0.00001"))
    denied = Order.objects.filter(portfolio=replay.portfolio, status="denied").count()
    assert sum(result.denied.values()) == denied
    return expected, replay


@pytest.mark.parametrize(
    ("end", "least"), [("2017-02-17", 50), pytest.param("2017-03-01", 100, marks=pytest.mark.long)]
)
def test_all_rules_together_trade_as_in_a_replay(trader, end, least):
    """Eighteen books on two instruments in one account, so that size and limits of each depend on all the others."""
    portfolio = portfolio_of(trader, max_concurrent_positions=7, max_total_exposure_percent=D(40))
    for rule, parameters in LIVELY.items():
        configure(portfolio, f"{rule} days", rule, "GOOGL", "1d", parameters, direction="both")
        configure(
            portfolio, f"{rule} hours", rule, "EUR/USD", "1h", parameters, direction="both", protect=rule != "macd"
        )
    fills, replay = compare(portfolio, moment("2017-02-06"), moment(end))
    assert len(fills) >= 8
    assert sum(map(len, fills.values())) > least
    assert replay.denied > 10


TRADING = [rule for rule in registry.names() if rule != "external"]  # which says nothing by itself


@pytest.mark.parametrize("rule", TRADING)
def test_the_whole_history_gives_a_live_runs_trades_where_memories_are_short(trader, rule):
    portfolio = portfolio_of(trader)
    configure(portfolio, "Days", rule, "GOOGL", "1d", LIVELY[rule], direction="both", sizing_value=D(8))
    fills, _ = compare(portfolio, moment("2017-06-01"), moment("2017-10-01"), as_live=False)
    assert len(fills["days"]) > 5


@pytest.mark.parametrize(("mode", "value"), [("risk_percent", D("0.5")), ("volatility_target", D(15))])
def test_sizes_by_the_risk_and_by_the_volatility_are_those_of_a_replay(trader, mode, value):
    portfolio = portfolio_of(trader, max_position_size_percent=D(400), max_total_exposure_percent=D(800))
    sized = {"direction": "both", "sizing_mode": mode, "sizing_value": value}
    configure(portfolio, "Odd stops", "donchian_breakout", "EUR/USD", "1h", LIVELY["donchian_breakout"], **sized)
    configure(portfolio, "Fixed stops", "sma_cross", "GOOGL", "1d", LIVELY["sma_cross"], **sized)
    fills, _ = compare(portfolio, moment("2017-02-06"), moment("2017-02-20"), as_live=False)
    assert set(fills) == {"odd-stops", "fixed-stops"}
    assert len({quantity for _, side, quantity, *_ in fills["odd-stops"]}) > 8


def draw(rng, rule):
    """Return random parameters of a rule that fit together."""
    while True:
        values = {}
        for spec in registry.get(rule).parameters():
            if spec.kind is dict:
                fast = rng.randint(2, 12)
                values[spec.name] = written_down(fast, fast + rng.randint(1, 30), rng.randint(1, 9))
            elif spec.kind is bool:
                values[spec.name] = rng.random() < 0.5
            elif spec.kind is int:
                values[spec.name] = rng.randint(int(spec.minimum), min(int(spec.maximum), 130))
            elif spec.name in LIKELY:
                values[spec.name] = rng.uniform(*LIKELY[spec.name])
        try:
            registry.build(rule, values)
        except InvalidParameter:
            values = {}
        if values:
            return values


@pytest.mark.long
@pytest.mark.parametrize("rule", TRADING)
@pytest.mark.parametrize("seed", range(4))
def test_random_parameters_trade_as_in_a_replay(trader, rule, seed):
    rng = random.Random(f"{rule} {seed}")
    portfolio = portfolio_of(trader, max_position_size_percent=D(30), max_total_exposure_percent=D(60))
    for number, (symbol, timeframe) in enumerate([("GOOGL", "1d"), ("EUR/USD", "1h")] * 2):
        fixed = rng.random() < 0.4
        configure(
            portfolio,
            f"{rule} {number}",
            rule,
            symbol,
            timeframe,
            draw(rng, rule),
            direction=rng.choice(["both", "long_only", "short_only"]),
            sizing_mode="fixed_quantity" if fixed else "percent_of_equity",
            sizing_value=D(rng.randint(1, 20)),
            protect=rng.random() < 0.8,
            min_confidence=rng.choice([0.0, 0.0, 0.5]),
        )
    start = moment("2017-03-01") + timedelta(days=rng.randint(0, 30))
    compare(portfolio, start, start + timedelta(days=45))
