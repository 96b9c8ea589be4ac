"""Applications, middleware, database, cache, templates, static files, time."""

import os

from .env import BASE_DIR, VAR_DIR, env, is_embedded, required, secret_key

SECRET_KEY = secret_key()
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if is_embedded() else [])

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "corsheaders",
    "csp",
    "rest_framework",
    "rest_framework_simplejwt",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "axes",
    "django_celery_beat",
    "django_celery_results",
    "django_prometheus",
    "django_structlog",
    "algotrendy.apps.PlatformConfig",
    "apps.common",
    "apps.accounts",
    "apps.alerts",
    "apps.marketdata",
    "apps.brokers",
    "apps.portfolio",
    "apps.strategies",
    "apps.orders",
    "apps.operations",
    "apps.dashboard",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "apps.common.middleware.CorrelationMiddleware",
    "apps.common.middleware.DurationMiddleware",
    "apps.common.headers.HeadersMiddleware",
    "apps.common.headers.PolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "apps.common.limits.middleware.RateLimitMiddleware",
    "apps.common.bodies.BodyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.middleware.IdentityMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

MESSAGE_STORAGE = "apps.common.console.messages.ReaderStorage"

ROOT_URLCONF = "algotrendy.urls"
WSGI_APPLICATION = "algotrendy.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASE_URL = required("DATABASE_URL")
_database = env.db_url_config(DATABASE_URL)
DATABASES = {
    "default": {
        **_database,
        "ENGINE": "apps.common.postgresql",
        # A server that does not answer must not hold a request for as long as the system would wait.
        # What is asked by prepared cursors is prepared by its second time; Django's own cursors never prepare.
        "OPTIONS": {"connect_timeout": 5, "prepare_threshold": 1, **_database.get("OPTIONS", {})},
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = required("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "algotrendy",
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            "SOCKET_CONNECT_TIMEOUT": 1,
            "SOCKET_TIMEOUT": 2,
        },
    },
    "limits": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "algotrendy",
        # Every call waits for its count: one that does not come at once is not waited for.
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 0.5, "SOCKET_TIMEOUT": 0.5},
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=str(VAR_DIR / "static" if is_embedded() else BASE_DIR / "staticfiles"))()
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = is_embedded()

LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["algotrendy.formats"]

VAR_DIR = VAR_DIR
LIVE_TRADING = env.bool("LIVE_TRADING", default=False)
"""The platform's own switch for real money. A connection's flag and the user's permission are needed besides."""

if not os.access(BASE_DIR / "algotrendy" / "trading" / "backtest", os.W_OK):
    # Compiled code is kept beside Python's own bytecode where that is possible, else with the rest of our data.
    os.environ.setdefault("NUMBA_CACHE_DIR", str(VAR_DIR / "numba"))
