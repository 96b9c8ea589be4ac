"""What exchanges can do, as far as it decides how they are used; known without loading ccxt."""

from __future__ import annotations

import re
from collections.abc import Iterable

from algotrendy.trading.broker import VenueTraits
from algotrendy.trading.values import OrderType

BEFORE_TEST = frozenset({OrderType.MARKET, OrderType.LIMIT})
"""What rests at an exchange of which no test has said more."""
ONE_BOOK = frozenset({"binance", "binanceus"})
"""Exchanges whose stops rest in the same book as their limit orders: found and canceled by the same ids. Elsewhere
stops have a book, ids and questions of their own, and the platform triggers them."""
ASKED_BY_CLIENT_ID = frozenset({"binance", "binanceus", "binanceusdm", "okx", "okxus", "myokx"})
"""Exchanges that answer for a client order id, so that their "does not exist" is a proof."""
_IDS = {"okx": r"[A-Za-z0-9]{1,32}", "okxus": r"[A-Za-z0-9]{1,32}", "myokx": r"[A-Za-z0-9]{1,32}"}
_ANY_ID = r"[A-Za-z0-9_-]{1,36}"


def takes_id(exchange: str, client_order_id: str) -> bool:
    """Tell whether an exchange takes this client order id as it is."""
    return re.fullmatch(_IDS.get(exchange, _ANY_ID), client_order_id) is not None


def exchange_traits(rests: Iterable[str]) -> VenueTraits:
    """Return the traits of an exchange at which these types of order rest; without any, what every exchange can."""
    known = frozenset(OrderType(each) for each in rests if each in set(OrderType))
    return VenueTraits(deduplicates=False, groups=False, reduces=False, rests=known or BEFORE_TEST)
