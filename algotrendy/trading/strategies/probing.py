"""Finding out what a strategy file is without letting it near this process: another one looks at it."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from algotrendy.trading.strategies.inspecting import FILENAME
from algotrendy.trading.strategies.limits import MEGABYTE, Limits
from algotrendy.trading.strategies.verdicts import Verdict

ROOT = Path(__file__).resolve().parents[3]
"""Where the package `algotrendy` is imported from."""
KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR")
"""No address, no password and no key of the platform's environment is given on."""
_LINE = re.compile(rf'File "{re.escape(FILENAME)}", line (\d+)')


def probe_content(content: bytes, taken: Collection[str], limits: Limits) -> Verdict:
    """Return what a file of this content defines, or what is wrong with it."""
    return _probe({"content": base64.b64encode(content).decode()}, taken, limits)


def probe_entry_point(value: str, taken: Collection[str], limits: Limits) -> Verdict:
    """Return what an entry point such as `package.module:Class` is, or what is wrong with it."""
    return _probe({"entry_point": value}, taken, limits)


def _probe(subject: dict[str, str], taken: Collection[str], limits: Limits) -> Verdict:
    request: dict[str, Any] = {**subject, "taken": sorted(taken), "limits": dataclasses.asdict(limits)}
    with tempfile.TemporaryFile() as told:
        status = _run(json.dumps(request).encode(), told.fileno(), limits)
        told.seek(0)
        return _read(told.read(2 * MEGABYTE).decode(errors="replace"), status, limits)


def _run(request: bytes, handle: int, limits: Limits) -> int | None:
    """Return how the process ended, a signal as its negative; None where it had to be killed."""
    command = [sys.executable, "-P", "-m", "algotrendy.trading.strategies.inspecting", str(handle)]
    process = subprocess.Popen(  # noqa: S603 - our own module; the file is only its input
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[handle],
        env=_environment(),
        cwd="/",
        start_new_session=True,  # so that it can be ended with whatever it starts
    )
    try:
        process.communicate(request, timeout=limits.longest)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    return process.returncode


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    single = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    return {**kept, **single, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}


def _read(told: str, status: int | None, limits: Limits) -> Verdict:
    """Return the verdict; where the process did not live to give one, what ended it and on which line."""
    _, is_there, verdict = told.rpartition("\nVERDICT ")
    if is_there:
        with contextlib.suppress(ValueError):
            return Verdict.from_json(verdict)
    if "STAGE " not in told:
        return Verdict(message=f"It could not be looked at: the process {_ending(status)}.")
    stage, _, dump = told.rpartition("STAGE ")[2].partition("\n")
    line = _LINE.search(dump)
    number = int(line.group(1)) if line else 1
    seconds = limits.import_seconds if stage == "imported" else limits.trial_seconds
    if status == -signal.SIGPROF:
        return Verdict(line=number, message=f"It took more than {seconds:g} s of processor time while it was {stage}.")
    if status is None or "Timeout (" in dump:
        return Verdict(line=number, message=f"It took more than {seconds + limits.waiting:g} s while it was {stage}.")
    return Verdict(line=number, message=f"The process {_ending(status)} while it was {stage}.")


def _ending(status: int | None) -> str:
    if status is None:
        return "did not end"
    if status >= 0:
        return f"ended with status {status}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-status).name}"
    return f"was ended by signal {-status}"
