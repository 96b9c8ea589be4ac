"""Every page of an account's executions: one that was left out would be a fill that is never booked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from algotrendy.trading.errors import BrokerUnavailable
from apps.brokers.models import MarketType

from .client import ExchangeClient

FROM_ID = frozenset({"binance", "binanceus"})
"""Exchanges whose spot markets page forward by trade id."""
OTHER_PAGE = 50
"""How long a page is at the least where ccxt does not know."""
LONGEST_BACK = timedelta(days=90)
"""How far back is asked at exchanges that page by time."""
STRETCH = 7 * 24 * 3_600_000 - 1
"""Milliseconds that are asked for at once: several exchanges give no more than a week."""


def trade_rows(client: ExchangeClient, name: str, since: datetime | None, **params: Any) -> list[dict[str, Any]]:
    """Return ccxt's trades of an instrument at or after a time, each once, oldest first."""
    pages = _by_id if pages_by_id(client) else _by_time
    found = {str(row.get("id")): row for row in pages(client, name, since, params)}
    return sorted(found.values(), key=lambda row: (int(row.get("timestamp") or 0), _order(row)))


def pages_by_id(client: ExchangeClient) -> bool:
    return client.exchange in FROM_ID and client.market_type is MarketType.SPOT


def _by_id(
    client: ExchangeClient, name: str, since: datetime | None, params: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    limit = _limit(client)
    start = None if since is None else _milliseconds(since)
    first = {**params} if since is not None or params else {"fromId": 0}
    page = client.ask("fetch_my_trades", name, start, limit, first)
    while page:
        yield from page
        if len(page) < limit:
            return
        last = max(int(row["id"]) for row in page)
        page = client.ask("fetch_my_trades", name, None, limit, {**params, "fromId": last + 1})


def _by_time(
    client: ExchangeClient, name: str, since: datetime | None, params: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Ask for ever shorter stretches until none fills a page: exchanges differ in which end of a long one they give."""
    now = datetime.now(UTC)
    first, last, limit = _milliseconds(since or now - LONGEST_BACK), _milliseconds(now) + 60_000, _limit(client)
    waiting = [(start, min(start + STRETCH, last)) for start in range(first, last + 1, STRETCH + 1)]
    while waiting:
        start, end = waiting.pop()
        page = client.ask("fetch_my_trades", name, start, limit, {**params, "until": end})
        if len(page) < limit:
            yield from page
        elif end <= start:
            raise BrokerUnavailable(f"{client.exchange} lists more trades of one moment than it gives at once.")
        else:
            middle = (start + end) // 2
            waiting += [(middle + 1, end), (start, middle)]


def _limit(client: ExchangeClient) -> int:
    kind = (client.behind.features or {}).get("spot" if client.market_type == "spot" else "swap") or {}
    found = ((kind.get("linear", kind) or {}).get("fetchMyTrades") or {}).get("limit")
    return int(found or OTHER_PAGE)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _order(row: dict[str, Any]) -> tuple[int, str]:
    text = str(row.get("id"))
    return (int(text) if text.isdecimal() else 0, text)
