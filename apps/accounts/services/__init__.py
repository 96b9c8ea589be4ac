"""Accounts and what proves them: one module for each part."""

from .access import access_changed, admit
from .api_keys import api_key_admit, api_key_create, api_key_revoke, api_key_rotate
from .audit import audit
from .lockout import account_unlock, password_checked, sign_in_unlock
from .mfa import backup_codes_renew, mfa_check, mfa_confirm, mfa_disable, mfa_enroll, mfa_pending, mfa_reset
from .passwords import password_change, password_confirm, password_reset, password_reset_ask
from .registration import email_verify, register, verification_resend
from .sessions import (
    Challenge,
    Session,
    challenge_answer,
    require_verified,
    session_begin,
    session_close,
    session_end,
    session_refresh,
    sessions_close,
    sign_in,
    token_admit,
)
from .users import (
    access_of,
    access_recorded,
    account_change,
    ensure_first_admin,
    require_admin_left,
    user_change,
    user_create,
)

__all__ = [
    "Challenge",
    "Session",
    "access_changed",
    "access_of",
    "access_recorded",
    "account_change",
    "account_unlock",
    "admit",
    "api_key_admit",
    "api_key_create",
    "api_key_revoke",
    "api_key_rotate",
    "audit",
    "backup_codes_renew",
    "challenge_answer",
    "email_verify",
    "ensure_first_admin",
    "mfa_check",
    "mfa_confirm",
    "mfa_disable",
    "mfa_enroll",
    "mfa_pending",
    "mfa_reset",
    "password_change",
    "password_checked",
    "password_confirm",
    "password_reset",
    "password_reset_ask",
    "register",
    "require_admin_left",
    "require_verified",
    "session_begin",
    "session_close",
    "session_end",
    "session_refresh",
    "sessions_close",
    "sign_in",
    "sign_in_unlock",
    "token_admit",
    "user_change",
    "user_create",
    "verification_resend",
]
