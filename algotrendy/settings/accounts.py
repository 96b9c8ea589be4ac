"""Accounts: registration, letters, the second factor, guessing, secrets at rest."""

from datetime import timedelta

from .env import VAR_DIR, env, is_embedded, optional, required
from .security import HTTPS

REGISTRATION_OPEN = env.bool("REGISTRATION_OPEN", default=False)
"""Whether people may make accounts for themselves; they prove their address first."""
REGISTRATION_ROLE = env.str("REGISTRATION_ROLE", default="Viewer")
MFA_REQUIRED_FOR_ADMINS = env.bool("MFA_REQUIRED_FOR_ADMINS", default=HTTPS)
"""Whether an administrator without a second factor may do nothing but set one up."""


def encryption_keys() -> list[str]:
    """Return the keys of secrets at rest, newest first; a laptop with embedded engines makes and keeps its own."""
    if optional("ENCRYPTION_KEYS") or not is_embedded():
        return [key.strip() for key in required("ENCRYPTION_KEYS").split(",") if key.strip()]
    from apps.common.kept_secrets import kept_secret

    return [kept_secret(VAR_DIR / "encryption_key", 48)]


ENCRYPTION_KEYS = encryption_keys()

locals().update(env.email_url_config(optional("EMAIL_URL", "consolemail://")))
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="AlgoTrendy <algotrendy@localhost>")
EMAIL_TIMEOUT = 10
PASSWORD_RESET_TIMEOUT = 3600

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_CALLABLE = "apps.accounts.services.lockout.account_name"
AXES_CLIENT_IP_CALLABLE = "apps.common.client_ip.client_ip"
AXES_DISABLE_ACCESS_LOG = True  # the audit trail is ours
AXES_ENABLE_ADMIN = False  # shown by a page of ours
AXES_VERBOSE = False
SIGN_INS_OF_A_NAME = env.str("SIGN_INS_OF_A_NAME", default="30/15m")
"""How many sign-ins an account takes from all addresses together."""
SILENCED_SYSTEM_CHECKS = [
    "axes.W002"
]  # locked sign-ins are answered by our own views, in the API's form and the console's
