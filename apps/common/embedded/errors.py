"""What goes wrong with the private engines, said in one line."""

from __future__ import annotations

WAY_OUT = "or set DATABASE_URL and REDIS_URL to running servers"


class EngineError(Exception):
    """A private engine cannot be had; the message is one line and says what to do."""
