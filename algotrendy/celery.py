"""The Celery application of every worker, beat and client process."""

import os

from celery import Celery
from celery.signals import setup_logging, worker_process_init
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "algotrendy.settings")

app = Celery("algotrendy")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)  # Tasks log under the correlation id of what set them off.


@setup_logging.connect
def _keep_logging(**kwargs: object) -> None:
    """Leave logging as the settings configure it; Celery would replace the handlers."""


@worker_process_init.connect
def _start_afresh(**kwargs: object) -> None:
    """Give a forked worker connections of its own."""
    from django.db import connections

    connections.close_all()
