"""What is known of exchanges without loading ccxt."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

_PAGES = {"binance": 1000, "okx": 100, "coinbase": 300, "kraken": 720}
KNOWN_WELL = tuple(_PAGES)
OTHER_PAGE = 100
NEWEST_ONLY = frozenset({"kraken"})
"""Exchanges that answer with their newest page, however old the candles that were asked for."""


@cache
def exchange_ids() -> tuple[str, ...]:
    """Return the ids that ccxt has, by its files; whether an exchange has candles is seen when it is asked."""
    spec = find_spec("ccxt")
    if spec is None or spec.origin is None:
        return ()
    folder = Path(spec.origin).parent / "async_support"
    return tuple(sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_")))


def has_exchange(exchange_id: str) -> bool:
    return exchange_id in exchange_ids()


def page_length(exchange_id: str) -> int:
    """Return how many candles an exchange gives at a time."""
    return _PAGES.get(exchange_id, OTHER_PAGE)
