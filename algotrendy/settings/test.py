"""The only override: what tests need besides the real engines."""

from pytest_socket import socket_allow_hosts

from . import *  # noqa: F403

socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)  # of the processes that tests start, too

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STRATEGIES_DIR = None  # a test names a folder of its own
WHITENOISE_AUTOREFRESH = True  # static files are looked up when asked for, not collected first
