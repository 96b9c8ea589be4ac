"""What every client of an exchange has in common, be it asked for candles or for orders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

BUSY_FOR = 30.0
"""Seconds to wait where the exchange does not say how long."""
MOVED = "movedFrom"
"""The option of a client in which its exchange's own addresses are kept, by those where it asks."""
_ADDRESS = re.compile(r"https?://\S+")


def options(market_type: str = "spot") -> dict[str, Any]:
    """Return how ccxt is to be configured: paced by our limiter, patient as the settings say, asking once only."""
    return {
        "enableRateLimit": False,
        "timeout": int(settings.EXCHANGE_TIMEOUT_SECONDS * 1000),
        "options": {"defaultType": market_type, "maxRetriesOnFailure": 0},
    }


def prepare(client: Any, exchange_id: str, market_type: str = "spot") -> None:
    """Make a client exact and frugal, and send it where EXCHANGE_ENDPOINTS says."""
    client.number = str  # as the exchange writes it
    client.has["fetchCurrencies"] = False
    client.options["fetchMargins"] = False
    if isinstance(client.options.get("fetchMarkets"), dict):
        client.options["fetchMarkets"]["types"] = ["spot" if market_type == "spot" else "linear"]
    endpoint = settings.EXCHANGE_ENDPOINTS.get(exchange_id)
    if endpoint:
        client.urls["api"] = _moved(client.urls["api"], endpoint, client)


def original(client: Any, url: str) -> str:
    """Return the exchange's own address of one that EXCHANGE_ENDPOINTS has moved: ccxt reads errors by it."""
    moved: dict[str, str] = client.options.get(MOVED, {})
    found = max((each for each in moved if url.startswith(each)), key=len, default=None)
    return url if found is None else moved[found] + url[len(found) :]


def retry_after(headers: Mapping[str, str] | None) -> float:
    """Return for how many seconds an answer asks to be left alone."""
    text = next((value for name, value in (headers or {}).items() if name.lower() == "retry-after"), "")
    return float(text) if text.isdecimal() else BUSY_FOR


def told(error: BaseException) -> str:
    """Return an error's text on one line, not long, and without the address: that holds a signature."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return _ADDRESS.sub("…", text)[:200]


def _moved(urls: Any, endpoint: str, client: Any) -> Any:
    """Return ccxt's addresses with another scheme and host."""
    if isinstance(urls, dict):
        return {name: _moved(url, endpoint, client) for name, url in urls.items()}
    own = str(urls).replace("{hostname}", client.hostname or "x")
    moved = endpoint.rstrip("/") + urlsplit(own).path
    client.options.setdefault(MOVED, {})[moved] = own
    return moved
