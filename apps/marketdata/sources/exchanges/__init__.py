"""Candles of exchanges, through ccxt, which is loaded when the first of them is asked: it takes 0.5 s and 90 MB."""

from .client import Exchange, MarketInfo
from .errors import ExchangeBusy, ExchangeError, ExchangeRefused, ExchangeUnreachable, HistoryTooShort
from .known import exchange_ids, has_exchange, page_length
from .pages import Page

__all__ = [
    "Exchange",
    "ExchangeBusy",
    "ExchangeError",
    "ExchangeRefused",
    "ExchangeUnreachable",
    "HistoryTooShort",
    "MarketInfo",
    "Page",
    "exchange_ids",
    "has_exchange",
    "page_length",
]
