"""The WSGI entry point of the web server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "algotrendy.settings")

application = get_wsgi_application()

from algotrendy.checks import refuse_dangerous  # noqa: E402 - reads the settings

refuse_dangerous()
