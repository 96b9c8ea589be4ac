"""The event stream's own server process; every other request is served by `algotrendy.wsgi`."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "algotrendy.settings")
django.setup()

from algotrendy.checks import refuse_dangerous  # noqa: E402 - reads the settings
from apps.dashboard.stream.application import StreamApplication  # noqa: E402 - models need Django set up

refuse_dangerous()
application = StreamApplication()
