"""What an exchange may answer instead of candles."""

from __future__ import annotations

from algotrendy.trading.errors import TradingError


class ExchangeError(TradingError):
    """An exchange gave no candles."""

    code = "exchange_error"


class ExchangeBusy(ExchangeError):
    """The exchange wants to be left alone for a while."""

    code = "exchange_busy"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ExchangeUnreachable(ExchangeError):
    """The exchange did not answer, or not with anything that can be read; later it may."""

    code = "exchange_unreachable"


class ExchangeRefused(ExchangeError):
    """The exchange, or what is known of it, says no for good: the question has to change."""

    code = "exchange_refused"


class HistoryTooShort(ExchangeRefused):
    """The exchange gives its newest candles only, and those that were asked for are older."""

    code = "history_too_short"
