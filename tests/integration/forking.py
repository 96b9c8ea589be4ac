"""Management commands under other settings, each in a fork of one process that has imported everything but settings.

`python -m tests.integration.forking` reads a line of JSON for each command, its arguments and its environment, and
answers with one: status, standard output and standard error. A fork reads the settings anew from its own environment
and runs the command as `manage.py` does, without the second or two that the imports take.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

SETTINGS = "algotrendy.settings"


class Forking:
    """The process, as a test sees it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps([arguments, environment]), file=self.process.stdin, flush=True)
        return subprocess.CompletedProcess(arguments, **json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        self.process.communicate(timeout=20)


def main() -> None:
    import django
    from django.core.management import call_command

    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    django.setup()
    call_command("check", stdout=open(os.devnull, "w"))  # noqa: SIM115 - loads the URLs and the checks
    for line in sys.stdin:
        print(json.dumps(_answer(*json.loads(line))), flush=True)


def _answer(arguments: list[str], environment: dict[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        child = os.fork()
        if not child:
            os.dup2(output.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            _command(arguments, environment)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return {"returncode": status, "stdout": _text(output), "stderr": _text(errors)}


def _command(arguments: list[str], environment: dict[str, str]) -> None:
    """Run it with settings of its own, and end this process as an interpreter ends."""
    from django.conf import settings
    from django.core.management import execute_from_command_line
    from django.utils.functional import empty

    os.environ.clear()
    os.environ.update(environment, DJANGO_SETTINGS_MODULE=SETTINGS)
    for name in [name for name in sys.modules if name.startswith(SETTINGS)]:
        del sys.modules[name]
    settings.__dict__.clear()
    settings._wrapped = empty
    status: object = 1
    try:
        execute_from_command_line(["manage.py", *arguments])
        status = 0
    except SystemExit as end:
        status = end.code
        if isinstance(status, str):
            print(status, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else bool(status))


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read())


if __name__ == "__main__":
    main()
