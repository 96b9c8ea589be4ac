"""The only override: what tests need besides the real engines."""

from . import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STRATEGIES_DIR = None  # a test names a folder of its own
WHITENOISE_AUTOREFRESH = True  # static files are looked up when asked for, not collected first
