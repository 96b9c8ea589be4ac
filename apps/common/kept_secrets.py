"""Secrets that a machine makes for itself, once, and keeps in a file that only their owner reads."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def kept_secret(path: Path, length: int) -> str:
    """Return the file's secret; make one of `length` random bytes where there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(secrets.token_urlsafe(length))
    return path.read_text(encoding="utf-8").strip()
