"""Errors of the trading domain; each carries a stable code and a sentence that says what to do."""

from __future__ import annotations


class TradingError(Exception):
    """A refusal with a stable machine-readable `code` and a message for a person."""

    code = "trading_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class InvalidOrder(TradingError):
    """The order cannot be placed as asked: a field is missing, out of range or too precise."""

    code = "invalid_order"


class InvalidTransition(TradingError):
    """The order state machine has no such step."""

    code = "invalid_transition"


class InvalidCandle(TradingError):
    """A candle contradicts itself: low above close, a negative volume, a wrong time."""

    code = "invalid_candle"


class InvalidParameter(TradingError):
    """A strategy parameter is unknown, of the wrong type or out of its range."""

    code = "invalid_parameter"


class UnknownStrategy(TradingError):
    """No strategy is registered under the name."""

    code = "unknown_strategy"


class InvalidSignals(TradingError):
    """A rule said something that cannot be traded: columns of a wrong length, a confidence that is no number."""

    code = "invalid_signals"


class BrokerRejected(TradingError):
    """The venue definitely refused the request; nothing is working there."""

    code = "broker_rejected"


class BrokerUnavailable(TradingError):
    """The venue did not give a definite answer; the request may or may not have been taken."""

    code = "broker_unavailable"
