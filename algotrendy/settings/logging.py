"""Structured logs with a correlation id, to the console and, where SEQ_URL is set, to Seq."""

import os
import socket

import structlog
from prometheus_client import values

from apps.common.redaction import redact

from .env import env, optional

if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    # Containers that share the folder of counters may have the same process ids, but never the same host name.
    values.ValueClass = values.MultiProcessValue(  # type: ignore[no-untyped-call]
        lambda: f"{socket.gethostname()}-{os.getpid()}"
    )

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_FORMAT = env.str("LOG_FORMAT", default="console")
"""`console` for people, `json` for collectors: one object a line."""
SEQ_URL = env.str("SEQ_URL", default="")
METRICS_TOKEN = optional("METRICS_TOKEN")
SEQ_API_KEY = optional("SEQ_API_KEY")

DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False

_shared = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    redact,
]
_renderers = {
    "json": [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)],
    # Plain tracebacks: those with every local variable would write down what nobody may read.
    "console": [
        structlog.dev.ConsoleRenderer(colors=False, pad_event_to=28, exception_formatter=structlog.dev.plain_traceback)
    ],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _shared,
            "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers[LOG_FORMAT]],
        },
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "structured"},
        **(
            {"seq": {"class": "apps.common.seq.SeqHandler", "server_url": SEQ_URL, "api_key": SEQ_API_KEY}}
            if SEQ_URL
            else {}
        ),
    },
    "root": {"handlers": ["console", *(["seq"] if SEQ_URL else [])], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": [], "propagate": True},
        "axes": {"level": "ERROR"},
        "django_structlog": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "celery.worker.consumer": {"level": "WARNING"},
        "django_celery_beat": {"level": "WARNING"},
        "flower": {"level": "ERROR"},
        "kombu": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        # At DEBUG they tell requests with the keys and signatures that go to exchanges.
        "ccxt": {"level": "WARNING"},
        "urllib3": {"level": "INFO"},
    },
}

structlog.configure(
    processors=[
        *(processor for processor in _shared if not isinstance(processor, structlog.stdlib.ExtraAdder)),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
