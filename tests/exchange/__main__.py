"""The loopback exchange as a process: `python -m tests.exchange --port 9000`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .server import LoopbackExchange


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, help="a file that keeps what was traded over a restart")
    arguments = parser.parse_args()
    LoopbackExchange(arguments.port, arguments.state).serve_forever()


main()
