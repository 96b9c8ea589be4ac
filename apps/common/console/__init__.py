"""What the admin pages of all apps share: scoping by owner, facts that nobody edits, dialogs, and how figures look."""

from .admin import ConsoleAdmin, FactAdmin
from .dialogs import ConfirmForm, act
from .figures import amount, meter, money, relative_time, signed, status_badge

__all__ = [
    "ConfirmForm",
    "ConsoleAdmin",
    "FactAdmin",
    "act",
    "amount",
    "meter",
    "money",
    "relative_time",
    "signed",
    "status_badge",
]
