"""Celery: queues, delivery, and the recurring jobs' cadence (on and off is set in the admin)."""

from celery.schedules import crontab

from .base import REDIS_URL
from .env import env

CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = True
CELERY_RESULT_EXPIRES = 7 * 24 * 3600
CELERY_CACHE_BACKEND = "default"
CELERY_TIMEZONE = "UTC"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 240
CELERY_TASK_SOFT_TIME_LIMIT = 210
CELERY_TASK_TRACK_STARTED = True
CELERY_DB_REUSE_MAX = 10**9
"""Celery would connect to the database anew for every task; how long a connection lives is DATABASE_CONN_MAX_AGE."""
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_TASK_SEND_SENT_EVENT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 300, "socket_connect_timeout": 2, "socket_keepalive": True}
"""Longer than any task's time limit: a killed worker's task comes back, a running one is never given out twice."""
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "orders.settle_at_exchange": {"queue": "venues"},
    "orders.sweep_connection": {"queue": "venues"},
    "orders.follow_connection": {"queue": "venues"},
    "orders.reconcile_connection": {"queue": "venues"},
    "brokers.*": {"queue": "venues"},
    "orders.*": {"queue": "orders"},
    "marketdata.download": {"queue": "downloads"},
    "marketdata.*": {"queue": "marketdata"},
    "strategies.*": {"queue": "backtests"},
}
CELERY_TASK_ALWAYS_EAGER = False
CELERY_WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=2)
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE: dict[str, dict[str, object]] = {
    "Trade waiting candles": {
        "task": "orders.trade_feeds",
        "schedule": 10,
        "options": {"queue": "orders", "expire_seconds": 9},
    },
    "Settle stray orders": {
        "task": "orders.sweep",
        "schedule": 5,
        "options": {"queue": "orders", "expire_seconds": 4},
    },
    "Follow orders at exchanges": {
        "task": "orders.follow",
        "schedule": 5,
        "options": {"queue": "orders", "expire_seconds": 4},
    },
    "Compare with venues": {
        "task": "orders.reconcile",
        "schedule": 30,
        "options": {"queue": "orders", "expire_seconds": 29},
    },
    "End and carry out trading halts": {
        "task": "orders.sweep_halts",
        "schedule": 10,
        "options": {"queue": "orders", "expire_seconds": 9},
    },
    "Watch stops, targets and margins": {
        "task": "orders.watch_prices",
        "schedule": 30,
        "options": {"queue": "orders", "expire_seconds": 29},
    },
    "Write down what quiet portfolios are worth": {
        "task": "portfolio.snapshot",
        "schedule": crontab(minute="0"),
        "options": {"queue": "default", "expire_seconds": 3500},
    },
    "Sum up the day of each portfolio": {
        "task": "orders.summarize_day",
        "schedule": crontab(minute="1", hour="0"),
        "options": {"queue": "orders", "expire_seconds": 3600},
    },
    "Let signals lapse": {
        "task": "orders.lapse_signals",
        "schedule": 10,
        "options": {"queue": "orders", "expire_seconds": 9},
    },
    "Collect candles from exchanges": {
        "task": "marketdata.collect",
        "schedule": 60,
        "options": {"queue": "marketdata", "expire_seconds": 55},
    },
    "Tell how the market stands": {
        "task": "marketdata.summarize",
        "schedule": 10,
        "options": {"queue": "marketdata", "expire_seconds": 9},
    },
    "Watch feeds, exchanges and downloads": {
        "task": "marketdata.watch",
        "schedule": 30,
        "options": {"queue": "marketdata", "expire_seconds": 29},
    },
    "Watch strategies": {
        "task": "strategies.watch",
        "schedule": 30,
        "options": {"queue": "orders", "expire_seconds": 29},
    },
    "Take up stray downloads": {
        "task": "marketdata.sweep_downloads",
        "schedule": 30,
        "options": {"queue": "marketdata", "expire_seconds": 29},
    },
    "Find missing candles": {
        "task": "marketdata.find_gaps",
        "schedule": crontab(minute="27"),
        "options": {"queue": "marketdata", "expire_seconds": 3500},
    },
    "Delete candles past their retention": {
        "task": "marketdata.retain",
        "schedule": crontab(minute="47", hour="3"),
        "options": {"queue": "marketdata", "expire_seconds": 3600},
    },
    "Refresh trading sessions": {
        "task": "marketdata.refresh_sessions",
        "schedule": crontab(minute="37", hour="1"),
        "options": {"queue": "marketdata", "expire_seconds": 3600},
    },
    "Take up stray backtests": {
        "task": "strategies.sweep_jobs",
        "schedule": 30,
        "options": {"queue": "backtests", "expire_seconds": 29},
    },
    "Heartbeat": {"task": "operations.heartbeat", "schedule": 30, "options": {"expire_seconds": 29}},
    "Compare strategies with their backtests": {
        "task": "strategies.compare_all",
        "schedule": crontab(minute="7"),
        "options": {"queue": "backtests", "expire_seconds": 3500},
    },
    "Prune what has expired": {
        "task": "operations.prune",
        "schedule": crontab(minute="17", hour="3"),
        "options": {"expire_seconds": 3600},
    },
}
DJANGO_CELERY_BEAT_TZ_AWARE = True
