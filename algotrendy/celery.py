"""The Celery application of every worker, beat and client process."""

import os

from celery import Celery, Task
from celery.signals import beat_init, celeryd_init, setup_logging, task_prerun, worker_process_init
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


@celeryd_init.connect
@beat_init.connect
def _refuse_dangerous(**kwargs: object) -> None:
    """End a worker or beat that starts with settings which nothing may run with."""
    from django.core.exceptions import ImproperlyConfigured

    from algotrendy.checks import refuse_dangerous

    try:
        refuse_dangerous()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error  # Celery writes down any other exception, and goes on.


@worker_process_init.connect
def _start_afresh(**kwargs: object) -> None:
    """Give a forked worker connections of its own."""
    from django.db import connections

    connections.close_all()


@task_prerun.connect
def _look_at_connections(task: Task | None = None, **kwargs: object) -> None:
    """Begin with a connection that works, as a request does: an old or broken one is replaced, a good one is kept."""
    from django.db import close_old_connections

    if task is not None and not task.request.is_eager:
        close_old_connections()
