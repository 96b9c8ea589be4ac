"""Small servers in a thread of the test's own process."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator

POLL = 0.01
"""Seconds until a server sees that it is to stop; the library's own half second is paid by every test."""


@contextlib.contextmanager
def serving[S: socketserver.BaseServer](server: S) -> Iterator[S]:
    """Serve in a thread until the block ends, then close."""
    thread = threading.Thread(target=server.serve_forever, args=(POLL,), name=type(server).__name__, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
