"""The event stream's own server process; every other request is served by `algotrendy.wsgi`."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "algotrendy.settings")
django.setup()

from apps.dashboard.stream.application import StreamApplication  # noqa: E402 - models need Django set up

application = StreamApplication()
