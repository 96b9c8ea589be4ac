"""One exchange, asked for candles through ccxt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

from django.conf import settings

from algotrendy.trading.values import Timeframe
from apps.marketdata import limiter, metrics

from . import calling, known, markets
from .errors import ExchangeBusy, ExchangeRefused, ExchangeUnreachable, HistoryTooShort
from .pages import Page, page_of


@dataclass(frozen=True, slots=True)
class MarketInfo:
    """What an exchange says of an instrument."""

    symbol: str
    base: str
    quote: str
    price_tick: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    is_active: bool


class Exchange:
    """An exchange's public data, without keys; for one event loop, as an asynchronous context.

    Before every request the limiter that all processes share is asked. Errors are those of `errors`.
    """

    def __init__(self, exchange_id: str, *, now: Callable[[], datetime]) -> None:
        self.exchange_id = exchange_id
        self._now = now
        self._behind: Any = None
        self._clock: datetime | None = None
        self._complete = markets.Complete()

    async def __aenter__(self) -> Self:
        self._behind = _client(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._behind is not None:
            await self._behind.close()

    async def candles(
        self, *, symbol: str, timeframe: Timeframe, start: datetime | None, limit: int | None = None
    ) -> Page:
        """Return a page of candles that open at `start` or later (where None, of the newest `limit` timeframes).

        It may be short or empty although there are later ones: then nothing traded in the stretch that was asked for.
        """
        self._require(timeframe)
        await self._know([symbol])
        longest = known.page_length(self.exchange_id)
        length = min(limit or longest, longest)
        since = int((start or self._moment() - timeframe.duration * length).timestamp() * 1000)
        rows = await self._ask(self._behind.fetch_ohlcv, symbol, timeframe.value, since, length)
        page = page_of(rows, exchange_id=self.exchange_id, symbol=symbol, timeframe=timeframe, now=self._moment())
        if start is not None and self.exchange_id in known.NEWEST_ONLY and page.bars:
            self._require_reached(page, start, timeframe, length)
        return page

    async def markets(self, symbols: Iterable[str]) -> dict[str, MarketInfo]:
        """Return what the exchange says of these symbols; those that it does not have are left out."""
        wanted = list(symbols)
        found = await self._know(wanted, must_have=False)
        return {symbol: _info(found[symbol]) for symbol in wanted if symbol in found}

    def heard(self, headers: dict[str, str]) -> None:
        """Take the exchange's clock from an answer."""
        text = next((value for name, value in headers.items() if name.lower() == "date"), "")
        try:
            self._clock = parsedate_to_datetime(text) if text else None
        except ValueError:
            self._clock = None

    def _moment(self) -> datetime:
        """Return what time it is for certain: the earlier of our clock and the exchange's."""
        return self._now() if self._clock is None else min(self._now(), self._clock)

    def _require(self, timeframe: Timeframe) -> None:
        offered = self._behind.timeframes or {}
        if not self._behind.has.get("fetchOHLCV") or timeframe.value not in offered:
            has = ", ".join(frame.value for frame in Timeframe if frame.value in offered) or "none"
            raise ExchangeRefused(f"{self.exchange_id} has no {timeframe} candles; of ours it has: {has}.")

    def _require_reached(self, page: Page, start: datetime, timeframe: Timeframe, length: int) -> None:
        oldest = page.bars[0].open_time
        if oldest > start + timeframe.duration and len(page.bars) >= length - 2:
            raise HistoryTooShort(
                f"{self.exchange_id} gives its newest {length} candles only, from {oldest:%Y-%m-%d %H:%M} on; start "
                "there, take a longer timeframe, or import a file."
            )

    async def _know(self, symbols: list[str], *, must_have: bool = True) -> dict[str, dict[str, Any]]:
        """Make the exchange's markets known: from the shared cache where they were asked for within the hour."""
        known_markets = markets.recall(self.exchange_id, symbols)
        if known_markets is None:
            # ccxt takes what it was given of other instruments for all there is: only what was all asked for is.
            await self._ask(self._behind.load_markets, not self._complete.is_fresh)
            self._complete.note()
            known_markets = {name: self._behind.markets[name] for name in symbols if name in self._behind.markets}
            markets.remember(self.exchange_id, known_markets)
        else:
            self._behind.set_markets({**(self._behind.markets or {}), **known_markets})
        missing = [name for name in symbols if name not in known_markets]
        if missing and must_have:
            raise ExchangeRefused(f"{self.exchange_id} does not trade {', '.join(missing)}.")
        return known_markets

    async def _ask(self, call: Callable[..., Any], *arguments: Any) -> Any:
        import ccxt

        try:
            with localcontext():  # ccxt rounds in a way of its own, and leaves the thread's decimals like that.
                answer = await asyncio.wait_for(call(*arguments), settings.EXCHANGE_TIMEOUT_SECONDS * 3)
        except (ccxt.DDoSProtection, ccxt.RateLimitExceeded) as error:
            retry_after = calling.retry_after(self._behind.last_response_headers)
            limiter.ban(self.exchange_id, retry_after)
            metrics.EXCHANGE_REQUESTS.labels(self.exchange_id, "busy").inc()
            raise ExchangeBusy(
                f"{self.exchange_id} asks to wait {retry_after:g} s: {calling.told(error)}", retry_after=retry_after
            ) from None
        except (ccxt.NetworkError, TimeoutError, OSError) as error:
            metrics.EXCHANGE_REQUESTS.labels(self.exchange_id, "unreachable").inc()
            raise ExchangeUnreachable(f"{self.exchange_id} does not answer: {calling.told(error)}") from None
        except (ccxt.BadSymbol, ccxt.BadRequest, ccxt.NotSupported, ccxt.AuthenticationError) as error:
            metrics.EXCHANGE_REQUESTS.labels(self.exchange_id, "refused").inc()
            raise ExchangeRefused(f"{self.exchange_id} refuses: {calling.told(error)}") from None
        except (ccxt.BaseError, ValueError, KeyError, TypeError, AttributeError) as error:
            # What cannot be read: a page of a proxy, half an answer.
            metrics.EXCHANGE_REQUESTS.labels(self.exchange_id, "unreachable").inc()
            raise ExchangeUnreachable(
                f"{self.exchange_id} answers with what cannot be read: {calling.told(error)}"
            ) from None
        metrics.EXCHANGE_REQUESTS.labels(self.exchange_id, "answered").inc()
        return answer


def _client(owner: Exchange) -> Any:
    """Return ccxt's client of the exchange: spot, public, exact, and asking our limiter before it sends."""
    import ccxt.async_support

    if not known.has_exchange(owner.exchange_id):
        raise ExchangeRefused(f"There is no exchange {owner.exchange_id[:32]!r}.")
    kind = getattr(ccxt.async_support, owner.exchange_id)

    class Client(kind):  # type: ignore[misc, valid-type]
        async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
            await limiter.acquire(owner.exchange_id, milliseconds=float(self.rateLimit))
            try:
                answer = await super().fetch(url, method, headers, body)
            finally:
                owner.heard(self.last_response_headers or {})
            if not isinstance(answer, dict | list):
                raise ccxt.async_support.ExchangeNotAvailable("not JSON; a proxy's page, or half an answer")
            return answer

        def handle_errors(self, code: int, *arguments: Any) -> Any:
            # The status first: what the body says of it differs from exchange to exchange.
            if code in (418, 429):
                raise ccxt.async_support.RateLimitExceeded(f"status {code}")
            if code >= 500:
                raise ccxt.async_support.ExchangeNotAvailable(f"status {code}")
            return super().handle_errors(code, *arguments)

    client = Client(calling.options())
    calling.prepare(client, owner.exchange_id)
    return client


def _info(market: dict[str, Any]) -> MarketInfo:
    precision, limits = market.get("precision") or {}, market.get("limits") or {}
    least = (limits.get("amount") or {}).get("min")
    cost = (limits.get("cost") or {}).get("min")
    step = _exact(precision.get("amount"), "0.00000001")
    return MarketInfo(
        symbol=market["symbol"],
        base=market["base"],
        quote=market["quote"],
        price_tick=_exact(precision.get("price"), "0.00000001"),
        quantity_step=step,
        min_quantity=max(step, _exact(least, "0")),
        min_notional=_exact(cost, "0"),
        is_active=market.get("active") is not False,
    )


def _exact(value: Any, otherwise: str) -> Decimal:
    return Decimal(otherwise) if value is None else Decimal(str(value))
