"""Binance's interface to perpetual swaps in USDT, as far as positions and leverage need it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from . import api
from .accounts import Account
from .api import Answer, Params
from .orders import Refused

if TYPE_CHECKING:
    from .venue import TradingVenue


def place(venue: TradingVenue, account: Account, params: Params) -> dict[str, Any]:
    if not account.rights.enableFutures:
        raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    return venue.book.place(api.order_of(venue, account, params, is_swap=True)).answer()


def leverage(venue: TradingVenue, account: Account, params: Params) -> dict[str, Any]:
    symbol, wanted = api.symbol_of(venue, params), int(params["leverage"])
    if not 1 <= wanted <= 125:
        raise Refused(-4028, f"Leverage {wanted} is not valid")
    account.leverage[symbol] = wanted
    return {"leverage": wanted, "maxNotionalValue": "1000000", "symbol": symbol}


def positions(venue: TradingVenue, account: Account, params: Params) -> list[dict[str, Any]]:
    rows = []
    for symbol, (held, entry) in account.positions.items():
        mark = venue.book.prices[symbol]
        by = account.leverage.get(symbol, 20)
        margin = abs(held) * mark / by
        liquidation = entry * (1 - Decimal(1 if held > 0 else -1) / by) if held else held
        rows.append(
            {
                "symbol": symbol, "positionSide": "BOTH", "positionAmt": f"{held:f}", "entryPrice": f"{entry:f}",
                "breakEvenPrice": f"{entry:f}", "markPrice": f"{mark:f}", "liquidationPrice": f"{liquidation:f}",
                "unRealizedProfit": f"{(mark - entry) * held:f}", "isolatedMargin": "0", "isolatedWallet": "0",
                "notional": f"{held * mark:f}", "marginAsset": "USDT", "initialMargin": f"{margin:f}", "adl": 1,
                "maintMargin": f"{abs(held) * mark / 100:f}", "positionInitialMargin": f"{margin:f}",
                "openOrderInitialMargin": "0", "bidNotional": "0", "askNotional": "0", "leverage": str(by),
                "marginType": "cross", "isAutoAddMargin": "false", "maxNotionalValue": "1000000",
                "updateTime": venue.now(),
            }
        )  # fmt: skip
    return rows


def brackets(venue: TradingVenue, account: Account, params: Params) -> list[dict[str, Any]]:
    row = {
        "bracket": 1, "initialLeverage": 125, "notionalCap": 1_000_000, "notionalFloor": 0, "maintMarginRatio": 0.01,
        "cum": 0.0,
    }  # fmt: skip
    return [{"symbol": symbol, "brackets": [row]} for symbol in venue.symbols]


def wallet(venue: TradingVenue, account: Account, params: Params) -> dict[str, Any]:
    assets = [
        {
            "asset": each["asset"], "walletBalance": each["free"], "marginBalance": each["free"], "maintMargin": "0",
            "unrealizedProfit": "0", "initialMargin": "0", "positionInitialMargin": "0", "openOrderInitialMargin": "0",
            "crossWalletBalance": each["free"], "crossUnPnl": "0", "availableBalance": each["free"],
            "maxWithdrawAmount": each["free"], "marginAvailable": True, "updateTime": venue.now(),
        }
        for each in account.balances()
    ]  # fmt: skip
    return {"assets": assets, "positions": [], "totalWalletBalance": "0", "availableBalance": "0"}


SWAP_ROUTES: dict[tuple[str, str], tuple[str, Answer]] = {
    ("POST", "/fapi/v1/order"): ("place", place),
    ("GET", "/fapi/v1/order"): ("query", api.query),
    ("DELETE", "/fapi/v1/order"): ("cancel", api.cancel),
    ("GET", "/fapi/v1/openOrders"): ("open_orders", api.open_orders),
    ("GET", "/fapi/v1/userTrades"): ("trades", api.trades),
    ("POST", "/fapi/v1/leverage"): ("leverage", leverage),
    ("GET", "/fapi/v1/leverageBracket"): ("positions", brackets),
    ("GET", "/fapi/v3/account"): ("account", wallet),
    ("GET", "/fapi/v2/positionRisk"): ("positions", positions),
    ("GET", "/fapi/v3/positionRisk"): ("positions", positions),
}
