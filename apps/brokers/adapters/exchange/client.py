"""ccxt's client of a connection: signed, paced, exact, silent, and kept for as long as its key stays the same."""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from decimal import localcontext
from typing import Any

from django.conf import settings

from algotrendy.trading.errors import BrokerRejected, BrokerUnavailable
from apps.brokers.credentials import CredentialsUnusable, credentials_of
from apps.brokers.models import BrokerConnection, MarketType
from apps.marketdata import limiter, metrics
from apps.marketdata.sources.exchanges import calling, has_exchange, markets

from .errors import sorted_error

MOST_KEPT = 32
"""Clients that a thread keeps: each has its own connections to the exchange."""
_kept = threading.local()
type Market = dict[str, Any]


class ExchangeClient:
    """Asks one exchange with one key. Every error is BrokerRejected or BrokerUnavailable; none holds a secret."""

    def __init__(self, connection: BrokerConnection) -> None:
        credentials = credentials_of(connection)
        self.exchange = connection.exchange
        self.market_type = MarketType(connection.market_type)
        self.secrets = (credentials.key, credentials.secret, credentials.password)
        self.behind = _ccxt_client(connection, *self.secrets)
        self.complete = markets.Complete()

    def ask(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a method of ccxt's client."""
        return self._sorted(getattr(self.behind, name), *arguments, **keywords)

    def market(self, symbol: str) -> Market:
        """Return what the exchange says of an instrument, from the shared cache where it was asked within the hour."""
        name = self.name_of(symbol)
        known = (self.behind.markets or {}).get(name)
        if known is None:
            known = self._learn(name)
        if known is None:
            raise BrokerRejected(f"{self.exchange} does not trade {name}.", code="unknown_symbol")
        return known

    def markets(self) -> list[Market]:
        """Return every market of the connection's kind that trades."""
        found: dict[str, Market] = self._sorted(self.behind.load_markets, True)
        return [market for market in found.values() if market.get("active") is not False]

    def name_of(self, symbol: str) -> str:
        """Return ccxt's name of an instrument: a perpetual swap's tells in what it settles."""
        if self.market_type is MarketType.SWAP and ":" not in symbol:
            return f"{symbol}:{symbol.partition('/')[2]}"
        return symbol

    def symbol_of(self, name: str) -> str:
        return name.partition(":")[0] if self.market_type is MarketType.SWAP else name

    def _learn(self, name: str) -> Market | None:
        place = self.exchange if self.market_type is MarketType.SPOT else f"{self.exchange}:{self.market_type}"
        recalled = markets.recall(place, [name])
        if recalled is not None:
            self.behind.set_markets({**(self.behind.markets or {}), **recalled})
        else:
            # ccxt takes what it was given of other instruments for all there is: only what was all asked for is.
            self._sorted(self.behind.load_markets, not self.complete.is_fresh)
            self.complete.note()
            found = (self.behind.markets or {}).get(name)
            markets.remember(place, {} if found is None else {name: found})
        return (self.behind.markets or {}).get(name)

    def _sorted(self, call: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        import ccxt

        try:
            with localcontext():  # ccxt rounds in a way of its own, and leaves the thread's decimals like that.
                answer = call(*arguments, **keywords)
        except limiter.LineTooLong as error:
            metrics.EXCHANGE_REQUESTS.labels(self.exchange, "busy").inc()
            raise BrokerUnavailable(
                f"{self.exchange} is to be left alone for {error.seconds:.0f} s.", code="exchange_busy"
            ) from None
        except (ccxt.BaseError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            sorted_out = sorted_error(error, self.exchange, self.secrets)
            self._count(sorted_out)
            raise sorted_out from None
        metrics.EXCHANGE_REQUESTS.labels(self.exchange, "answered").inc()
        return answer

    def _count(self, error: Exception) -> None:
        code = getattr(error, "code", "")
        if code == "exchange_busy":
            limiter.ban(self.exchange, calling.retry_after(self.behind.last_response_headers))
        result = "refused" if isinstance(error, BrokerRejected) else "unreachable"
        metrics.EXCHANGE_REQUESTS.labels(self.exchange, "busy" if code == "exchange_busy" else result).inc()


def client_of(connection: BrokerConnection) -> ExchangeClient:
    """Return this thread's client of a connection; one is made anew when anything that it depends on has changed."""
    kept: OrderedDict[Any, tuple[Any, ExchangeClient]] = getattr(_kept, "clients", None) or OrderedDict()
    _kept.clients = kept
    version = (
        os.getpid(), connection.exchange, connection.market_type, connection.sandbox, connection.encrypted_credentials,
        settings.EXCHANGE_ENDPOINTS.get(connection.exchange), settings.EXCHANGE_TIMEOUT_SECONDS,
    )  # fmt: skip
    found = kept.get(connection.pk)
    if found is None or found[0] != version:
        try:
            found = kept[connection.pk] = (version, ExchangeClient(connection))
        except CredentialsUnusable as error:
            raise BrokerRejected(error.message, code=error.code) from None
    kept.move_to_end(connection.pk)
    while len(kept) > MOST_KEPT:
        kept.popitem(last=False)
    return found[1]


def _ccxt_client(connection: BrokerConnection, key: str, secret: str, password: str) -> Any:
    import ccxt

    exchange = connection.exchange
    if not has_exchange(exchange) or not hasattr(ccxt, exchange):
        raise BrokerRejected(f"There is no exchange {exchange[:32]!r}.", code="unknown_exchange")
    kind = getattr(ccxt, exchange)

    class Client(kind):  # type: ignore[misc, valid-type]
        logger = _silent()

        def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
            self.last_response_headers = None
            limiter.acquire_within(
                exchange, milliseconds=float(self.rateLimit), seconds=settings.EXCHANGE_TIMEOUT_SECONDS
            )
            answer = super().fetch(url, method, headers, body)
            if not isinstance(answer, dict | list):
                raise ccxt.BadResponse("not JSON; a proxy's page, or half an answer")
            return answer

        def handle_errors(self, code: int, reason: str, url: str, *arguments: Any) -> Any:
            # The status first: what the body says of it differs from exchange to exchange.
            if code in (418, 429):
                raise ccxt.RateLimitExceeded(f"status {code}")
            if code >= 500:
                raise ccxt.ExchangeNotAvailable(f"status {code}")
            # With it ccxt takes a refused key for a rate limit.
            self.options["hasAlreadyAuthenticatedSuccessfully"] = False
            return super().handle_errors(code, reason, calling.original(self, url), *arguments)

    market_type = MarketType(connection.market_type)
    client = Client({**calling.options(market_type.value), "apiKey": key, "secret": secret, "password": password})
    if connection.sandbox:
        _use_sandbox(client, market_type)
    calling.prepare(client, exchange, market_type.value)
    return client


def _use_sandbox(client: Any, market_type: MarketType) -> None:
    import ccxt

    try:
        if market_type is not MarketType.SPOT and (client.urls or {}).get("demo"):
            client.enable_demo_trading(True)
        else:
            client.set_sandbox_mode(True)
    except ccxt.BaseError as error:
        raise BrokerRejected(f"{client.id} has no test network: {calling.told(error)}", code="no_sandbox") from None


def _silent() -> logging.Logger:
    """Return a logger that writes nowhere: ccxt tells its own, at level DEBUG, the key and the signature."""
    logger = logging.Logger("ccxt")
    logger.disabled = True
    return logger
