"""How four exchanges write their markets and candles, and how they page."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .market import Row, row

type Query = dict[str, str]
type Times = Callable[[int], list[int]]
"""Given a candle's length, every open time that the market has, oldest first, the unfinished one last."""
PAIRS = (
    ("BTC", "USDT"), ("ETH", "USDT"), ("BTC", "USD"), ("SOL", "USDT"), ("BCH", "USDT"), ("ADA", "USDT"),
    ("DOT", "USDT"), ("LTC", "USDT"), ("TRX", "USDT"),
)  # fmt: skip
BINANCE = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14400, "1d": 86400, "1w": 604800}
BINANCE_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "TAKE_PROFIT")
BINANCE_SWAP = {
    "contractType": "PERPETUAL", "marginAsset": "USDT", "pricePrecision": 2, "quantityPrecision": 4,
    "deliveryDate": 4133404800000, "onboardDate": 1569398400000, "contractSize": 1,
    "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
}  # fmt: skip
OKX = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1H": 3600, "4H": 14400, "1Dutc": 86400, "1Wutc": 604800}
COINBASE = {
    "ONE_MINUTE": 60, "FIVE_MINUTE": 300, "FIFTEEN_MINUTE": 900, "THIRTY_MINUTE": 1800, "ONE_HOUR": 3600,
    "ONE_DAY": 86400,
}  # fmt: skip


def binance(path: str, query: Query, times: Times) -> Any:
    if path.endswith("/exchangeInfo"):
        swap = BINANCE_SWAP if "/fapi/" in path else {}
        return {"symbols": [_binance_market(base, quote) | swap for base, quote in PAIRS]}
    if not path.endswith("/klines"):
        return None
    seconds = BINANCE[query["interval"]]
    limit = min(int(query.get("limit", 500)), 1000)
    start = int(query["startTime"]) / 1000 if "startTime" in query else None
    found = _forward(times(seconds), start, limit)
    return [_binance_row(row(query["symbol"], seconds, time), seconds) for time in found]


def okx(path: str, query: Query, times: Times) -> Any:
    """Newest first; `before` and `after` are exclusive and bound the page; the last field says whether it is final."""
    if path.endswith("/public/instruments"):
        return {"code": "0", "data": [_okx_market(base, quote) for base, quote in PAIRS]}
    if not path.endswith("candles"):
        return None
    seconds = OKX[query["bar"]]
    limit = min(int(query.get("limit", 100)), 100 if "history" in path else 300)
    before, after = (float(query.get(name, bound)) / 1000 for name, bound in (("before", "-1"), ("after", "9e15")))
    every = times(seconds)
    found = [time for time in reversed(every) if before < time < after][:limit]
    symbol = query["instId"].replace("-", "")
    return {"code": "0", "msg": "", "data": [_okx_row(row(symbol, seconds, each), each == every[-1]) for each in found]}


def coinbase(path: str, query: Query, times: Times) -> Any:
    """Newest first, start and end inclusive, at most 350 at a time."""
    if path.endswith("/market/products"):
        return {"products": [_coinbase_market(base, quote) for base, quote in PAIRS], "num_products": len(PAIRS)}
    if not path.endswith("/candles"):
        return {} if "brokerage" in path else None
    seconds = COINBASE[query["granularity"]]
    start, end = int(float(query["start"])), int(float(query["end"]))
    found = [time for time in reversed(times(seconds)) if start <= time <= end][:350]
    symbol = path.split("/")[-2].replace("-", "")
    names = ("start", "low", "high", "open", "close", "volume")
    rows = [row(symbol, seconds, time) for time in found]
    values = [(str(each.time), each.low, each.high, each.open, each.close, each.volume) for each in rows]
    return {"candles": [dict(zip(names, each, strict=True)) for each in values]}


def kraken(path: str, query: Query, times: Times) -> Any:
    """The newest 720 after `since`, whatever it says; the last one is unfinished."""
    if path.endswith("/AssetPairs"):
        return {"error": [], "result": {f"{base}{quote}": _kraken_market(base, quote) for base, quote in PAIRS}}
    if path.endswith("/Assets"):
        names = {name for pair in PAIRS for name in pair}
        assets = {name: {"aclass": "currency", "altname": name, "decimals": 10} for name in names}
        return {"error": [], "result": assets}
    if not path.endswith("/OHLC"):
        return None
    seconds = int(query["interval"]) * 60
    since = float(query.get("since", 0))
    found = [time for time in times(seconds)[-720:] if time > since]
    rows = [row(query["pair"], seconds, time) for time in found]
    values = [[r.time, r.open, r.high, r.low, r.close, r.close, r.volume, 7] for r in rows]
    return {"error": [], "result": {query["pair"]: values, "last": found[-1] if found else 0}}


FORMATS: dict[str, Callable[[str, Query, Times], Any]] = {
    "binance": binance,
    "okx": okx,
    "coinbase": coinbase,
    "kraken": kraken,
}


def _forward(times: list[int], start: float | None, limit: int) -> list[int]:
    return times[-limit:] if start is None else [time for time in times if time >= start][:limit]


def _binance_row(each: Row, seconds: int) -> list[Any]:
    end = (each.time + seconds) * 1000 - 1
    return [each.time * 1000, each.open, each.high, each.low, each.close, each.volume, end, "0", 3, "0", "0", "0"]


def _okx_row(each: Row, is_newest: bool) -> list[str]:
    final = "0" if is_newest else "1"
    return [str(each.time * 1000), each.open, each.high, each.low, each.close, each.volume, "0", "0", final]


def _binance_market(base: str, quote: str) -> dict[str, Any]:
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.00010", "maxQty": "9000", "stepSize": "0.00010"},
        {"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": True},
    ]
    market = {
        "symbol": base + quote, "status": "TRADING", "baseAsset": base, "quoteAsset": quote, "baseAssetPrecision": 8,
        "quoteAssetPrecision": 8, "quotePrecision": 8, "permissions": ["SPOT"], "isSpotTradingAllowed": True,
        "orderTypes": [*BINANCE_TYPES, "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"], "isMarginTradingAllowed": False,
        "filters": filters,
    }  # fmt: skip
    return json.loads(json.dumps(market))


def _okx_market(base: str, quote: str) -> dict[str, Any]:
    return {
        "instType": "SPOT", "instId": f"{base}-{quote}", "baseCcy": base, "quoteCcy": quote, "state": "live",
        "tickSz": "0.01", "lotSz": "0.0001", "minSz": "0.0001", "maxLmtSz": "9999", "ctVal": "", "settleCcy": "",
        "uly": "", "instFamily": "", "expTime": "", "listTime": "1600000000000", "lever": "", "category": "1",
    }  # fmt: skip


def _coinbase_market(base: str, quote: str) -> dict[str, Any]:
    return {
        "product_id": f"{base}-{quote}", "product_type": "SPOT", "base_currency_id": base, "quote_currency_id": quote,
        "price": "100", "price_increment": "0.01", "base_increment": "0.0001", "quote_increment": "0.01",
        "base_min_size": "0.0001", "base_max_size": "1000", "quote_min_size": "1", "quote_max_size": "1000000",
        "status": "online", "trading_disabled": False, "is_disabled": False, "cancel_only": False,
        "limit_only": False, "post_only": False, "auction_mode": False, "view_only": False,
    }  # fmt: skip


def _kraken_market(base: str, quote: str) -> dict[str, Any]:
    return {
        "altname": base + quote, "wsname": f"{base}/{quote}", "aclass_base": "currency", "base": base,
        "aclass_quote": "currency", "quote": quote, "lot": "unit", "cost_decimals": 5, "pair_decimals": 2,
        "lot_decimals": 8, "lot_multiplier": 1, "leverage_buy": [], "leverage_sell": [], "fees": [[0, 0.26]],
        "fees_maker": [[0, 0.16]], "fee_volume_currency": "ZUSD", "ordermin": "0.0001", "costmin": "0.5",
        "tick_size": "0.01", "status": "online",
    }  # fmt: skip
