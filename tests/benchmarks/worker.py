"""One engine in a process of its own: a case a line on its input, the time and the result a line on its output.

It is run by the platform's Python for our engine, and by that of the peers' environment for theirs; the two share no
package but NumPy and TA-Lib.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import time
from pathlib import Path


def peak_since_reset() -> int:
    """Return the process's highest resident memory in bytes since `reset_peak`."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) * 1024


def reset_peak() -> int:
    """Forget the highest resident memory so far; return what is resident now, in bytes."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024


def main() -> None:
    engine = importlib.import_module(f"tests.benchmarks.engines.{sys.argv[1]}")
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        case = json.loads(line)
        play = engine.prepare(case)
        before = reset_peak()
        begin = time.perf_counter()
        result = play()
        seconds = time.perf_counter() - begin
        memory = peak_since_reset() - before
        print(json.dumps({"seconds": seconds, "memory": memory, **engine.tell(result)}), flush=True)


if __name__ == "__main__":
    main()
