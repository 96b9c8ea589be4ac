"""The process that runs the engines of one folder: `python -m apps.common.embedded.keeper`.

It lives while anybody holds the folder's user lock, starts an engine that died again on the same port, and stops both
when the last user is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from apps.common.embedded.files import (
    KEEPER_LOCK,
    STATE,
    USERS_LOCK,
    EngineError,
    free_port,
    make_folder,
    open_lock,
    read_json,
    try_lock,
    var_dir,
    write_private,
)
from apps.common.embedded.postgres import Postgres
from apps.common.embedded.redis import Redis

TICK = 0.25
GRACE = 1.0


def main() -> int:
    """Run the engines named by the arguments (`postgres`, `redis`); end at once where another keeper is at work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # A terminal's Ctrl-C is for the users; they decide.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    run = make_folder(var_dir() / "run")
    lock = open_lock(run / KEEPER_LOCK)
    if not try_lock(lock):
        return 0
    try:
        _keep(var_dir(), run, sys.argv[1:])
    except EngineError as error:
        write_private(run / STATE, json.dumps({"error": str(error)}))
        return 1
    (run / STATE).unlink(missing_ok=True)
    return 0


def _keep(var: Path, run: Path, names: list[str]) -> None:
    make_folder(var / "log")
    durable = os.environ.get("ALGOTRENDY_ENGINES_DURABLE", "yes") == "yes"
    ports = read_json(var / "ports.json")
    made: dict[str, Postgres | Redis] = {}
    for name, kind in (("postgres", Postgres), ("redis", Redis)):
        if name in names:
            made[name] = kind(var, free_port(ports.get(name)), durable)
    write_private(var / "ports.json", json.dumps({**ports, **{name: engine.port for name, engine in made.items()}}))
    users = open_lock(run / USERS_LOCK)
    try:
        for engine in made.values():
            engine.start()
        state = {"pid": os.getpid(), **{name: engine.url for name, engine in made.items()}}
        state["pids"] = {name: engine.process.pid for name, engine in made.items() if engine.process}
        write_private(run / STATE, json.dumps(state))
        idle_since = time.monotonic()
        while time.monotonic() - idle_since < GRACE or not try_lock(users):
            time.sleep(TICK)
            for name, engine in made.items():
                if not engine.is_alive():
                    engine.start()
                    state["pids"][name] = engine.process.pid if engine.process else None
                    write_private(run / STATE, json.dumps(state))
    finally:
        for engine in reversed(made.values()):
            engine.stop()


if __name__ == "__main__":
    sys.exit(main())
