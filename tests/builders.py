"""Rows for tests: each builder makes a complete one, keyword overrides win, and nothing but the row is done."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group

from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.strategies import registry
from algotrendy.trading.values import OrderType, PositionSide, Side, Timeframe
from apps.accounts.models import Role, User
from apps.alerts.models import Alert
from apps.brokers.models import BrokerConnection, BrokerKind, PaperOrder, PaperTrade
from apps.marketdata.models import (
    AssetType,
    Candle,
    Download,
    Feed,
    Gap,
    GapScan,
    Instrument,
    MarketSession,
    Outage,
    Retention,
    Source,
)
from apps.marketdata.services.partitions import partitions_ensure
from apps.orders.models import Fill, LaggingAccount, Order, OrderEvent, Reconciliation
from apps.portfolio.models import EquitySnapshot, Portfolio, Position, RiskProfile, TradingHalt
from apps.strategies.backtests import setup_backtest
from apps.strategies.models import (
    VERSIONED,
    Backtest,
    BacktestResult,
    JobStatus,
    Optimization,
    Signal,
    Strategy,
    StrategyPerformance,
    StrategyVersion,
    StrategyWebhook,
)
from apps.strategies.reports.keeping import kept
from apps.strategies.services import optimization_create

PASSWORD = "a-long-enough-passphrase"
MARKET_TIME = datetime(2024, 3, 1, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def make_user(username: str = "trader", *, role: Role | None = Role.TRADER, **overrides: Any) -> User:
    """Return a user who may enter the console, in the role's group."""
    values = {"email": f"{username}@example.com", "is_staff": True, **overrides}
    user = User.objects.create_user(username=username, password=values.pop("password", PASSWORD), **values)
    if role is not None:
        user.groups.add(Group.objects.get_or_create(name=role.value)[0])
    return user


def make_instrument(symbol: str = "BTC/USD", **overrides: Any) -> Instrument:
    """Return the instrument of that symbol, made where it does not exist."""
    base, _, quote = symbol.partition("/")
    values = {
        "asset_type": AssetType.CRYPTOCURRENCY,
        "base_currency": base,
        "quote_currency": quote or "USD",
        "price_tick": Decimal("0.01"),
        "quantity_step": Decimal("0.0001"),
        "min_quantity": Decimal("0.0001"),
        **overrides,
    }
    return Instrument.objects.get_or_create(symbol=symbol, defaults=values)[0]


def make_candles_rows(
    instrument: Instrument,
    closes: Iterable[Decimal | float | str],
    *,
    timeframe: str = Timeframe.H1,
    source: str = Source.CSV,
    start: datetime = MARKET_TIME,
    volume: Decimal = Decimal(1000),
) -> list[Candle]:
    """Return stored candles with these closes: each opens at the close before, its high and low are 1 % beyond."""
    rows = []
    previous: Decimal | None = None
    for index, word in enumerate(closes):
        close = Decimal(str(word))
        opening = previous or close
        rows.append(
            Candle(
                instrument=instrument,
                timeframe=timeframe,
                source=source,
                open_time=start + index * Timeframe(timeframe).duration,
                open=opening,
                high=max(opening, close) * Decimal("1.01"),
                low=min(opening, close) * Decimal("0.99"),
                close=close,
                volume=volume,
            )
        )
        previous = close
    partitions_ensure([row.open_time for row in rows])
    return Candle.objects.bulk_create(rows)


def make_history(instrument: Instrument) -> dict[str, Any]:
    """Return a row of each model of an instrument's history, by the name of its page; made where there is none."""
    span = {"start": MARKET_TIME, "end": MARKET_TIME + timedelta(hours=3)}
    series: dict[str, Any] = {"instrument": instrument, "timeframe": Timeframe.H1, "source": "okx"}
    moment = {"calendar": "XNYS", "date": MARKET_TIME.date(), "opens_at": span["start"], "closes_at": span["end"]}
    return {
        "marketdata_download": Download.objects.get_or_create(**series, **span, cursor=MARKET_TIME)[0],
        "marketdata_gap": Gap.objects.get_or_create(**series, **span, missing=3)[0],
        "marketdata_gapscan": GapScan.objects.get_or_create(**series, through=MARKET_TIME, scanned_at=MARKET_TIME)[0],
        "marketdata_marketsession": MarketSession.objects.get_or_create(**moment)[0],
        "marketdata_outage": Outage.objects.get_or_create(source="okx", **span, note="Maintenance.")[0],
        "marketdata_retention": Retention.objects.get_or_create(timeframe=Timeframe.M1, days=90)[0],
    }


def make_alert(owner: User | None = None, **overrides: Any) -> Alert:
    """Return an open alert; everybody's where it has no owner."""
    values = {"code": "feed_stale", "subject": f"feed:{next(_numbers)}", "severity": "warning", **overrides}
    return Alert.objects.create(owner=owner, message="The feed is stale.", seen_at=MARKET_TIME, **values)


def make_feed(instrument: Instrument | None = None, **overrides: Any) -> Feed:
    values = {"timeframe": Timeframe.H1, "source": Source.REPLAY, "origin": Source.CSV, **overrides}
    return Feed.objects.create(instrument=instrument or make_instrument(), **values)


def make_connection(owner: User, **overrides: Any) -> BrokerConnection:
    values = {"name": f"Paper {next(_numbers)}", "kind": BrokerKind.PAPER, **overrides}
    return BrokerConnection.objects.create(owner=owner, **values)


def make_portfolio(owner: User, name: str = "Main", **overrides: Any) -> Portfolio:
    """Return a paper portfolio of 10,000 USD with the default limits."""
    cash = overrides.pop("initial_cash", Decimal(10_000))
    connection = overrides.pop("connection", None) or make_connection(owner)
    values = {"initial_cash": cash, "cash": cash, "peak_equity": cash, "base_currency": "USD", **overrides}
    portfolio = Portfolio.objects.create(owner=owner, name=name, connection=connection, **values)
    RiskProfile.objects.create(portfolio=portfolio)
    return portfolio


def make_strategy(portfolio: Portfolio, name: str = "RSI", **overrides: Any) -> Strategy:
    """Return a disabled strategy with its version and all parameters of its rule, those not given at their defaults."""
    rule = registry.get(overrides.pop("rule", "rsi"))
    given = overrides.pop("parameters", {})
    values = {
        "slug": f"{rule.name}-{next(_numbers)}",
        "instrument": overrides.pop("instrument", None) or make_instrument(),
        "timeframe": Timeframe.H1,
        "parameters": {spec.name: given.get(spec.name, spec.default) for spec in rule.parameters()},
        **overrides,
    }
    strategy = Strategy.objects.create(portfolio=portfolio, name=name, rule=rule.name, **values)
    make_version(strategy)
    return strategy


def make_version(strategy: Strategy, **overrides: Any) -> StrategyVersion:
    """Return a version of the strategy as it is now."""
    values = {"number": strategy.version, **{name: getattr(strategy, name) for name in VERSIONED}, **overrides}
    return StrategyVersion.objects.create(strategy=strategy, **values)


def make_performance(strategy: Strategy, **overrides: Any) -> StrategyPerformance:
    """Return a comparison of a day in which live and backtest made the same two trades."""
    values = {
        "strategy_version": strategy.version,
        "period_start": MARKET_TIME,
        "period_end": MARKET_TIME + timedelta(days=1),
        "candles": 24,
        "live_trades": 2,
        "backtest_trades": 2,
        "matched_trades": 2,
        "matched_share": 1.0,
        "live_pnl": Decimal(50),
        "backtest_pnl": Decimal(50),
        "account": Decimal(10_000),
        "details": {"missing": [], "extra": [], "differing": []},
        **overrides,
    }
    return StrategyPerformance.objects.create(strategy=strategy, **values)


def make_signal(strategy: Strategy, **overrides: Any) -> Signal:
    opened = overrides.pop("candle_open_time", MARKET_TIME + timedelta(hours=next(_numbers)))
    values = {
        "at": opened + Timeframe(strategy.timeframe).duration,
        "action": "buy",
        "confidence": 0.5,
        "price": Decimal(100),
        "reason": "RSI(14) 25.0, oversold 30, overbought 70",
        **overrides,
    }
    return Signal.objects.create(strategy=strategy, candle_open_time=opened, **values)


def make_backtest(owner: User, **overrides: Any) -> Backtest:
    """Return a waiting backtest of SMA 2 / 3 on all candles of BTC/USD: all cash at each entry, unprotected."""
    instruments = overrides.pop("instruments", None) or [make_instrument()]
    values = {
        "name": f"Backtest {next(_numbers)}",
        "rule": "sma_cross",
        "parameters": {"fast": 2, "slow": 3},
        "timeframe": Timeframe.H1,
        "source": Source.CSV,
        "sizing_rule": "percent_of_cash",
        "sizing_value": Decimal(100),
        "protect": False,
        "stop_percent": Decimal(0),
        "target_percent": Decimal(0),
        **overrides,
    }
    backtest = Backtest.objects.create(owner=owner, **values)
    backtest.instruments.set(instruments)
    return backtest


def make_completed_backtest(owner: User, **overrides: Any) -> Backtest:
    """Return a completed backtest with its result, worked out from the stored candles."""
    backtest = make_backtest(owner, status=JobStatus.COMPLETED, progress=100, **overrides)
    result = kept(setup_backtest(backtest, list(backtest.instruments.all()), lambda stage, done: None))
    for name, value in result.summary.items():
        setattr(backtest, name, value)
    backtest.started_at = backtest.finished_at = backtest.created_at
    backtest.save()
    columns = {"curve": result.curve, "trades": result.trades, "report": result.report}
    BacktestResult.objects.create(backtest=backtest, figures=result.figures, **columns)
    return backtest


def make_optimization(owner: User, **overrides: Any) -> Optimization:
    """Return a search of SMA cross' two parameters on all candles of BTC/USD, asked for and not begun."""
    values: dict[str, Any] = {
        "rule": "sma_cross",
        "instruments": [make_instrument()],
        "timeframe": Timeframe.H1,
        "space": {"fast": {"values": [2, 3]}, "slow": {"values": [3, 5, 8]}},
        "metric": "total_return",
        "sizing_rule": "percent_of_cash",
        "sizing_value": Decimal(100),
        "protect": False,
        "stop_percent": Decimal(0),
        "target_percent": Decimal(0),
        **overrides,
    }
    return optimization_create(owner=owner, **values)


def make_order(portfolio: Portfolio, **overrides: Any) -> Order:
    """Return an open limit buy of 1 at 100, with its first event."""
    values = {
        "owner": portfolio.owner,
        "instrument": overrides.pop("instrument", None) or make_instrument(),
        "client_order_id": f"test-{next(_numbers)}",
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "status": OrderStatus.OPEN,
        "quantity": Decimal(1),
        "limit_price": Decimal(100),
        "reference_price": Decimal(100),
        "active_from": MARKET_TIME,
        **overrides,
    }
    order = Order.objects.create(portfolio=portfolio, **values)
    OrderEvent.objects.create(order=order, version=order.version, kind="placed", to_status=order.status)
    return order


def make_fill(order: Order, **overrides: Any) -> Fill:
    """Return a fill of the whole order at 100 with a fee of 0.1; the order and the position are left as they are."""
    price = overrides.pop("price", Decimal(100))
    quantity = overrides.pop("quantity", order.quantity)
    values = {
        "connection": order.portfolio.connection,
        "exchange_trade_id": f"trade-{next(_numbers)}",
        "side": order.side,
        "quote_quantity": price * quantity,
        "fee": Decimal("0.1"),
        "fee_currency": order.instrument.quote_currency,
        "executed_at": MARKET_TIME,
        **overrides,
    }
    return Fill.objects.create(order=order, price=price, quantity=quantity, **values)


def make_position(portfolio: Portfolio, **overrides: Any) -> Position:
    """Return an open position: long 1 entered at 100 and marked there."""
    quantity = overrides.pop("quantity", Decimal(1))
    entry = overrides.pop("entry_price", Decimal(100))
    values = {
        "instrument": overrides.pop("instrument", None) or make_instrument(),
        "cost_basis": quantity * entry,
        "side": PositionSide.LONG if quantity >= 0 else PositionSide.SHORT,
        "max_quantity": abs(quantity),
        "mark_price": entry,
        "opened_at": MARKET_TIME,
        **overrides,
    }
    return Position.objects.create(portfolio=portfolio, quantity=quantity, entry_price=entry, **values)


def make_snapshot(portfolio: Portfolio, at: datetime = MARKET_TIME, **overrides: Any) -> EquitySnapshot:
    values = {"equity": Decimal(10_000), "cash": Decimal(10_000), "unrealized_pnl": Decimal(0), **overrides}
    return EquitySnapshot.objects.create(portfolio=portfolio, at=at, **values)


def make_paper_order(connection: BrokerConnection, **overrides: Any) -> PaperOrder:
    values = {
        "client_order_id": f"paper-{next(_numbers)}",
        "instrument": overrides.pop("instrument", None) or make_instrument(),
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "time_in_force": "gtc",
        "quantity": Decimal(1),
        "limit_price": Decimal(100),
        "active_from": MARKET_TIME,
        **overrides,
    }
    return PaperOrder.objects.create(connection=connection, **values)


def make_paper_trade(order: PaperOrder, **overrides: Any) -> PaperTrade:
    values = {
        "price": Decimal(100),
        "quantity": order.quantity,
        "fee": Decimal("0.1"),
        "executed_at": MARKET_TIME,
        **overrides,
    }
    return PaperTrade.objects.create(order=order, **values)


def make_halt(portfolio: Portfolio | None = None, **overrides: Any) -> TradingHalt:
    """Return a halt of the portfolio, or of the whole platform where there is none."""
    values = {"width": "portfolio" if portfolio else "platform", "mode": "halted", "reason": "Testing.", **overrides}
    return TradingHalt.objects.create(portfolio=portfolio, **values)


def make_lag(feed: Feed, connection: BrokerConnection) -> LaggingAccount:
    """Return an account that stays behind a feed since a candle could not be applied to it."""
    error = "ZeroDivisionError: division by zero"
    return LaggingAccount.objects.create(feed=feed, connection=connection, error=error, failed_at=MARKET_TIME)


def make_reconciliation(connection: BrokerConnection, **overrides: Any) -> Reconciliation:
    values = {"outcome": "clean", "finished_at": MARKET_TIME, **overrides}
    return Reconciliation.objects.create(connection=connection, **values)


def make_webhook(strategy: Strategy, **overrides: Any) -> StrategyWebhook:
    """Return a webhook whose secret nobody knows."""
    values = {"prefix": f"wh{next(_numbers)}", "digest": "0" * 64, **overrides}
    return StrategyWebhook.objects.create(strategy=strategy, **values)
