"""What an exchange's answer means for a request: definitely refused, or not known."""

from __future__ import annotations

from algotrendy.trading.errors import BrokerRejected, BrokerUnavailable
from apps.marketdata.sources.exchanges import calling

_DUPLICATE = ("duplicate", "already exist")
_REFUSALS = (
    ("OrderImmediatelyFillable", "post_only_would_take"),
    ("InsufficientFunds", "insufficient_funds"),
    ("OrderNotFound", "unknown_order"),
    ("MarketClosed", "market_closed"),
    ("ContractUnavailable", "market_closed"),
    ("OrderNotFillable", "order_not_fillable"),
    ("InvalidOrder", "invalid_order"),
    ("BadSymbol", "unknown_symbol"),
    ("BadRequest", "invalid_order"),
    ("ArgumentsRequired", "invalid_order"),
    ("NotSupported", "not_supported"),
    ("PermissionDenied", "permission_denied"),
    ("AccountNotEnabled", "permission_denied"),
    ("AccountSuspended", "permission_denied"),
    ("AuthenticationError", "credentials_refused"),
    ("OperationRejected", "operation_rejected"),
)
"""Names of ccxt's errors that say for certain that nothing was taken, the most special first, and our codes."""
_UNKNOWN = (
    ("InvalidNonce", "clock_skew"),
    ("DDoSProtection", "exchange_busy"),
    ("RateLimitExceeded", "exchange_busy"),
    ("RequestTimeout", "exchange_timeout"),
    ("ExchangeNotAvailable", "exchange_unavailable"),
)
"""Names of those after which the exchange is asked what became of the request, and codes that say why."""


def sorted_error(error: BaseException, exchange: str, secrets: tuple[str, ...] = ()) -> Exception:
    """Return BrokerRejected where an exchange has definitely refused a request, else BrokerUnavailable.

    An order that it calls a duplicate is one that it has taken before: not refused, but to be asked about.
    """
    message = f"{exchange}: {without(calling.told(error), secrets)}"
    names = [kind.__name__ for kind in type(error).__mro__]
    if "DuplicateOrderId" in names or ("InvalidOrder" in names and any(w in message.lower() for w in _DUPLICATE)):
        return BrokerUnavailable(message, code="duplicate_order")
    if "OrderImmediatelyFillable" in names and "trigger" in message.lower():
        return BrokerRejected(message, code="stop_price_would_trigger")
    for name, code in _UNKNOWN:
        if name in names:
            return BrokerUnavailable(message, code=code)
    for name, code in _REFUSALS:
        if name in names:
            return BrokerRejected(message, code=code)
    return BrokerUnavailable(message)


def without(text: str, secrets: tuple[str, ...]) -> str:
    """Return a text with every secret taken out, should an exchange repeat it."""
    for secret in secrets:
        text = text.replace(secret, "•••") if secret else text
    return text
