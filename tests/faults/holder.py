"""A process that uses the private engines of a folder until its input ends: `python -m tests.faults.holder FOLDER`.

It prints one line of JSON at the start and one for each line it reads, which asks it to revive what died.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from apps.common.embedded import EngineError, engines


def main() -> int:
    var = Path(sys.argv[1])
    try:
        with engines(var) as running:
            _say(var)
            for _ in sys.stdin:
                running.ensure()
                _say(var)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _say(var: Path) -> None:
    states = {name: json.loads((var / "run" / f"{name}.state").read_text()) for name in ("postgres", "valkey")}
    urls = {"database": os.environ["DATABASE_URL"], "redis": os.environ["REDIS_URL"]}
    print(json.dumps({**urls, **states}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
