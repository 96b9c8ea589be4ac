"""Refusals about accounts."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from algotrendy.trading.errors import TradingError


class InvalidAccount(TradingError):
    """An account, or something of it, cannot be made or changed as asked; `errors` says which field is wrong."""

    code = "invalid_account"

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(" ".join(f"{name}: {' '.join(messages)}" for name, messages in errors.items()))
        self.errors = errors

    @classmethod
    def of(cls, error: ValidationError, field: str = "") -> InvalidAccount:
        """Return Django's own refusal as ours; `field` names it where it does not say itself."""
        if not hasattr(error, "error_dict"):
            return cls({field: error.messages})
        return cls({"" if name == "__all__" else name: messages for name, messages in error.message_dict.items()})


class SignInRefused(TradingError):
    """User name, password, code, key or token is not, or no longer, good."""

    code = "invalid_credentials"


class Locked(TradingError):
    """Too many wrong attempts; `retry_after` says in how many seconds the next one is taken."""

    code = "locked"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotAllowed(TradingError):
    """The platform, or the state of the account, does not allow this."""

    code = "not_allowed"


class MfaState(TradingError):
    """The second factor is not in the state that this needs."""

    code = "mfa_state"
