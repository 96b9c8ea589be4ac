#!/usr/bin/env python
"""Run a management command; where no servers are configured, start the private ones for it."""

import os
import sys

WITHOUT_ENGINES = {"help", "--help", "-h", "--version", "version", "compilemessages", "makemessages"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "algotrendy.settings")
    from django.core.management import execute_from_command_line

    from apps.common.embedded import EngineError, engines

    if len(sys.argv) < 2 or WITHOUT_ENGINES.intersection(sys.argv[1:]):
        # Help needs the settings, which need addresses, but no server.
        os.environ.setdefault("DATABASE_URL", "postgres://127.0.0.1/algotrendy")
        os.environ.setdefault("REDIS_URL", "redis://127.0.0.1/0")
        os.environ.setdefault("SECRET_KEY", "only-to-print-help")
        execute_from_command_line(sys.argv)
        return
    try:
        with engines():
            execute_from_command_line(sys.argv)
    except EngineError as error:
        sys.exit(f"algotrendy: {error}")


if __name__ == "__main__":
    main()
