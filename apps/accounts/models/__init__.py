"""Users and what they prove themselves with, and the record of what was done."""

from .api_keys import ApiKey, Scope
from .audit import Action, AuditEvent, Via
from .limits import RateLimit
from .mfa import Authenticator, BackupCode
from .sessions import ApiSession
from .users import Role, Tier, User, validate_time_zone

__all__ = [
    "Action",
    "ApiKey",
    "ApiSession",
    "AuditEvent",
    "Authenticator",
    "BackupCode",
    "RateLimit",
    "Role",
    "Scope",
    "Tier",
    "User",
    "Via",
    "validate_time_zone",
]
