#!/usr/bin/env python
"""Run a management command; start the private engines for it where none are configured."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

WITHOUT_ENGINES = {"help", "version", "compilemessages", "makemessages", "startapp"}
ASKS_FOR_HELP = {"-h", "--help", "--version"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "algotrendy.settings")
    from environ import Env

    from apps.common.embedded import EngineError

    Env.read_env(Path(__file__).resolve().parent / ".env")
    try:
        with _surroundings():
            from django.core.management import execute_from_command_line

            execute_from_command_line(sys.argv)
    except EngineError as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit(130)


@contextlib.contextmanager
def _surroundings() -> Iterator[None]:
    """Provide what the command needs before Django reads its settings."""
    from apps.common.embedded import engines, placeholders

    if len(sys.argv) < 2 or sys.argv[1] in WITHOUT_ENGINES or ASKS_FOR_HELP & set(sys.argv[1:]):
        placeholders()
        yield
        return
    with engines():
        yield


if __name__ == "__main__":
    main()
