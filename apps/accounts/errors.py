"""Refusals about accounts."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from algotrendy.trading.errors import TradingError


class InvalidAccount(TradingError):
    """An account cannot be made or changed as asked; `errors` says which field is wrong with what."""

    code = "invalid_account"

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(" ".join(f"{name}: {' '.join(messages)}" for name, messages in errors.items()))
        self.errors = errors

    @classmethod
    def of(cls, error: ValidationError, field: str = "") -> InvalidAccount:
        """Return Django's own refusal as ours; `field` names it where it does not say itself."""
        return cls(error.message_dict if hasattr(error, "error_dict") else {field: error.messages})


class SignInRefused(TradingError):
    """User name, password or token is not, or no longer, good."""

    code = "invalid_credentials"
