"""The Celery application of every worker, beat and client process."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "algotrendy.settings")

app = Celery("algotrendy")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks()
