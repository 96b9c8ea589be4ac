"""The loopback exchange as a process: `python -m tests.exchange --port 9000`."""

from __future__ import annotations

import argparse

from .server import LoopbackExchange


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    LoopbackExchange(parser.parse_args().port).serve_forever()


main()
