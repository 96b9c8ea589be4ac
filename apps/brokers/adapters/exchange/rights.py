"""What a key may do at an exchange, and what its owner should know of it."""

from __future__ import annotations

from typing import Any

from algotrendy.trading.broker import KeyRights
from algotrendy.trading.values import OrderType
from apps.brokers.models import MarketType

from .abilities import BEFORE_TEST, ONE_BOOK
from .client import ExchangeClient

MAY_WITHDRAW = "The key may withdraw money. Make one that may only read and trade: this platform never withdraws."
UNKNOWN_WITHDRAWAL = "The exchange does not say whether the key may withdraw money; make sure there that it may not."
NO_TRADING = "The key may not trade: orders will be refused."
EVERY_ADDRESS = "The key works from every address. Restrict it to this server's at the exchange."

_STOPS = {
    OrderType.STOP: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT",
}


def rights_of(client: ExchangeClient, *, sandbox: bool) -> KeyRights:
    """Ask for the key's rights, where the exchange tells them; elsewhere a read shows that it may at least read."""
    if client.exchange == "binance" and not sandbox:
        return _told_by_binance(client)
    answer = client.ask("fetch_balance")
    info = answer.get("info") if isinstance(answer, dict) else None
    can_trade = info.get("canTrade") if isinstance(info, dict) else None
    return _rights(can_trade=can_trade if isinstance(can_trade, bool) else None, is_sandbox=sandbox)


def rests_at(client: ExchangeClient) -> frozenset[OrderType]:
    """Return the types of order that rest at every market of an exchange, and are found there as all others are."""
    if client.exchange not in ONE_BOOK or client.market_type is not MarketType.SPOT:
        return BEFORE_TEST
    words = [set((market.get("info") or {}).get("orderTypes") or ()) for market in client.markets()]
    everywhere = set.intersection(*words) if words else set()
    return BEFORE_TEST | {type_ for type_, word in _STOPS.items() if word in everywhere}


def _told_by_binance(client: ExchangeClient) -> KeyRights:
    told = client.ask("sapiGetAccountApiRestrictions")
    name = "enableSpotAndMarginTrading" if client.market_type is MarketType.SPOT else "enableFutures"
    return _rights(
        can_read=_flag(told, "enableReading") is not False,
        can_trade=_flag(told, name),
        can_withdraw=_flag(told, "enableWithdrawals"),
        is_ip_restricted=_flag(told, "ipRestrict"),
    )


def _rights(
    *,
    can_trade: bool | None,
    can_read: bool = True,
    can_withdraw: bool | None = None,
    is_ip_restricted: bool | None = None,
    is_sandbox: bool = False,
) -> KeyRights:
    warnings = []
    if can_withdraw:
        warnings.append(MAY_WITHDRAW)
    elif can_withdraw is None and not is_sandbox:
        warnings.append(UNKNOWN_WITHDRAWAL)
    if can_trade is False:
        warnings.append(NO_TRADING)
    if is_ip_restricted is False:
        warnings.append(EVERY_ADDRESS)
    return KeyRights(can_read, can_trade, can_withdraw, is_ip_restricted, tuple(warnings))


def _flag(told: Any, name: str) -> bool | None:
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, bool) else None
