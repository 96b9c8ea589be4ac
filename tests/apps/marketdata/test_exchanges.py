"""Four exchanges, each in its own format, asked through ccxt on loopback."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from algotrendy.trading.candles import Bar
from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import instrument_get
from apps.marketdata.sources.exchanges import (
    Exchange,
    ExchangeBusy,
    ExchangeRefused,
    ExchangeUnreachable,
    HistoryTooShort,
    MarketInfo,
    Page,
    exchange_ids,
    has_exchange,
)
from tests.builders import make_instrument
from tests.exchange.market import row
from tests.exchange.server import Fault, LoopbackExchange

NOW = datetime(2024, 3, 1, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
FOUR = ["binance", "okx", "coinbase", "kraken"]


@pytest.fixture
def venue(venue: LoopbackExchange) -> LoopbackExchange:
    """Stop the exchange's clock."""
    venue.now = NOW.timestamp()
    return venue


def ask(
    exchange_id: str,
    *,
    start: datetime | None,
    symbol: str = "BTC/USDT",
    timeframe: Timeframe = Timeframe.H1,
    now: datetime = NOW,
    limit: int | None = None,
) -> Page:
    async def once() -> Page:
        async with Exchange(exchange_id, now=lambda: now) as exchange:
            return await exchange.candles(symbol=symbol, timeframe=timeframe, start=start, limit=limit)

    return asyncio.run(once())


def ask_all(exchange_id: str, *, start: datetime, symbol: str = "BTC/USDT") -> list[Page]:
    """Return the pages from a start to now, each asked for from behind the last candle of the one before."""

    async def every() -> list[Page]:
        pages = []
        async with Exchange(exchange_id, now=lambda: NOW) as exchange:
            following = start
            while not pages or pages[-1].forming is None:
                page = await exchange.candles(symbol=symbol, timeframe=Timeframe.H1, start=following)
                pages.append(page)
                following = page.bars[-1].open_time + HOUR
        return pages

    return asyncio.run(every())


def expected(time: datetime, symbol: str = "BTC/USDT", code: str = "BTCUSDT") -> Bar:
    each = row(code, 3600, int(time.timestamp()))
    figures = (each.open, each.high, each.low, each.close, each.volume)
    return Bar(symbol, Timeframe.H1, time, *map(Decimal, figures))


def hours(start: datetime, end: datetime) -> list[datetime]:
    return [start + index * HOUR for index in range(int((end - start) / HOUR))]


@pytest.mark.parametrize(
    ("exchange_id", "count"), [("binance", 1000), ("okx", 100), ("coinbase", 300), ("kraken", 719)]
)
def test_pages_follow_each_other_without_a_gap_or_a_double(
    venue: LoopbackExchange, exchange_id: str, count: int
) -> None:
    start = NOW.replace(minute=0) - (700 if exchange_id == "kraken" else 1250) * HOUR
    pages = ask_all(exchange_id, start=start)
    bars = [bar for page in pages for bar in page.bars]
    assert bars == [expected(time) for time in hours(start, NOW.replace(minute=0))]
    assert max(len(page.bars) for page in pages) <= count
    assert len(pages) == -(-len(bars) // count)


@pytest.mark.parametrize("exchange_id", FOUR)
def test_the_newest_candle_is_not_final_until_it_has_closed(venue: LoopbackExchange, exchange_id: str) -> None:
    page = ask(exchange_id, start=NOW - 5 * HOUR)
    assert [bar.open_time.hour for bar in page.bars] == [8, 9, 10, 11]
    assert page.forming == expected(NOW.replace(minute=0))


@pytest.mark.parametrize("exchange_id", FOUR)
def test_the_newest_candles_are_given_where_no_start_is(venue: LoopbackExchange, exchange_id: str) -> None:
    page = ask(exchange_id, start=None, limit=50)
    assert page.bars[-1] == expected(NOW.replace(minute=0) - HOUR)
    assert 49 <= len(page.bars) <= 50


@pytest.mark.parametrize("skew", [-7200, 7200])
def test_a_wrong_clock_on_either_side_makes_no_unfinished_candle_final(venue: LoopbackExchange, skew: int) -> None:
    """Ours may be ahead of the exchange's, or the other way round: what both call over is over."""
    venue.now = (NOW + timedelta(seconds=min(skew, 0))).timestamp()
    page = ask("binance", start=NOW - 5 * HOUR, now=NOW + timedelta(seconds=max(skew, 0)))
    certain = min(venue.now, NOW.timestamp() + max(skew, 0))
    assert page.bars
    assert all(bar.close_time.timestamp() <= certain for bar in page.bars)


def test_a_candle_that_closed_this_second_may_still_change(venue: LoopbackExchange) -> None:
    venue.now = NOW.replace(minute=0, second=1).timestamp()
    page = ask("binance", start=NOW - 5 * HOUR)
    assert page.bars[-1].open_time.hour == 10
    assert page.forming is not None
    assert page.forming.open_time.hour == 11


def test_a_quiet_stretch_gives_a_short_page(venue: LoopbackExchange) -> None:
    start = NOW.replace(minute=0) - 30 * HOUR
    venue.missing = {int((start + index * HOUR).timestamp()) for index in range(3, 9)}
    bars = ask("coinbase", start=start).bars
    assert [bar.open_time for bar in bars] == [
        time for time in hours(start, NOW.replace(minute=0)) if int(time.timestamp()) not in venue.missing
    ]


def test_an_exchange_that_gives_its_newest_only_says_from_when(venue: LoopbackExchange) -> None:
    with pytest.raises(HistoryTooShort, match=r"newest 720 candles only, from 2024-01-31 13:00"):
        ask("kraken", start=NOW.replace(minute=0) - 2000 * HOUR)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("status", 500), ExchangeUnreachable),
        (Fault("status", 503), ExchangeUnreachable),
        (Fault("cut"), ExchangeUnreachable),
        (Fault("hang"), ExchangeUnreachable),
        (Fault("half"), ExchangeUnreachable),
        (Fault("html"), ExchangeUnreachable),
        (Fault("status", 429, {"Retry-After": "7"}), ExchangeBusy),
        (Fault("status", 418, {"Retry-After": "7"}), ExchangeBusy),
    ],
    ids=["500", "503", "cut", "hang", "half", "html", "429", "418"],
)
@pytest.mark.parametrize("exchange_id", ["binance", "okx"])
def test_what_goes_wrong_is_told_as_what_it_is(
    venue: LoopbackExchange, exchange_id: str, fault: Fault, kind: type[Exception]
) -> None:
    venue.faults.append(fault)
    with pytest.raises(kind) as raised:
        ask(exchange_id, start=NOW - 5 * HOUR)
    if isinstance(raised.value, ExchangeBusy):
        assert raised.value.retry_after == 7


@pytest.mark.parametrize(
    ("symbol", "timeframe", "told"),
    [("XXX/YYY", Timeframe.H1, "does not trade XXX/YYY"), ("BTC/USDT", Timeframe.H4, "has no 4h candles")],
)
def test_what_an_exchange_does_not_have_is_refused(
    venue: LoopbackExchange, symbol: str, timeframe: Timeframe, told: str
) -> None:
    with pytest.raises(ExchangeRefused, match=told):
        ask("coinbase", start=NOW - 5 * HOUR, symbol=symbol, timeframe=timeframe)


def test_a_market_is_found_also_by_who_was_reminded_of_another_only(venue: LoopbackExchange) -> None:
    async def markets(*symbols: str) -> list[str]:
        async with Exchange("binance", now=lambda: NOW) as exchange:
            return [name for symbol in symbols for name in await exchange.markets([symbol])]

    assert asyncio.run(markets("BTC/USDT")) == ["BTC/USDT"]
    assert asyncio.run(markets("BTC/USDT", "ETH/USDT")) == ["BTC/USDT", "ETH/USDT"]


def test_markets_are_loaded_once_for_all_processes_and_read_exactly(venue: LoopbackExchange) -> None:
    async def markets() -> dict[str, MarketInfo]:
        async with Exchange("binance", now=lambda: NOW) as exchange:
            return await exchange.markets(["BTC/USDT", "NO/SUCH"])

    found = asyncio.run(markets())
    assert list(found) == ["BTC/USDT"]
    info = found["BTC/USDT"]
    assert (info.base, info.quote, info.is_active) == ("BTC", "USDT", True)
    assert (info.price_tick, info.quantity_step) == (Decimal("0.01"), Decimal("0.0001"))
    assert (info.min_quantity, info.min_notional) == (Decimal("0.0001"), Decimal(5))
    for _ in range(3):
        ask("binance", start=NOW - 5 * HOUR)
    assert sum("exchangeInfo" in path for _, path, _ in venue.requests) == 1


def test_no_credentials_are_sent(venue: LoopbackExchange) -> None:
    for exchange_id in FOUR:
        ask(exchange_id, start=NOW - 5 * HOUR)
    names = {name for headers in venue.seen_headers for name in headers}
    assert not {name for name in names if "key" in name or "sign" in name or name in ("authorization", "cookie")}


def test_which_exchanges_there_are_is_known_without_loading_them() -> None:
    assert {"binance", "okx", "coinbase", "kraken"} <= set(exchange_ids())
    assert len(exchange_ids()) > 80
    assert not has_exchange("replay")
    assert not has_exchange("../base")


@pytest.mark.django_db
def test_instruments_are_made_as_an_exchange_trades_them(
    venue: LoopbackExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    make_instrument("ETH/USDT")
    call_command("add_instruments", "BTC/USDT", "ETH/USDT", source="binance")
    made = instrument_get("BTC/USDT")
    assert (made.price_tick, made.quantity_step, made.min_notional) == (Decimal("0.01"), Decimal("0.0001"), 5)
    assert (made.base_currency, made.quote_currency, made.calendar) == ("BTC", "USDT", "24/7")
    told = capsys.readouterr().out
    assert "BTC/USDT: tick 0.01, step 0.0001" in told
    assert "left as they are: ETH/USDT" in told


@pytest.mark.django_db
@pytest.mark.parametrize(("source", "told"), [("binance", "does not trade NO/SUCH"), ("nowhere", "no exchange")])
def test_instruments_that_an_exchange_does_not_trade_are_not_made(
    venue: LoopbackExchange, source: str, told: str
) -> None:
    with pytest.raises(CommandError, match=told):
        call_command("add_instruments", "BTC/USDT", "NO/SUCH", source=source)
    assert not Instrument.objects.exists()
