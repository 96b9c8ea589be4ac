"""Making and changing accounts (`users`), signing in and out (`sessions`)."""

from .sessions import Session, session_end, session_refresh, sign_in
from .users import account_change, ensure_first_admin, user_create

__all__ = [
    "Session",
    "account_change",
    "ensure_first_admin",
    "session_end",
    "session_refresh",
    "sign_in",
    "user_create",
]
