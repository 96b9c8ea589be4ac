"""Keeping secrets out of logs."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

HIDDEN = "[hidden]"
SECRET_NAME = re.compile(r"passw|secret|token|api_?key|authorization|cookie|credential|private", re.IGNORECASE)
URL_PASSWORD = re.compile(r"(\w+://[^\s:/@]*):[^\s@]+@")
BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")


def redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide the values of secret names, passwords inside addresses and authorization headers; a structlog processor."""
    for name, value in event.items():
        if name.startswith("_"):
            continue
        if SECRET_NAME.search(name):
            event[name] = HIDDEN
        elif isinstance(value, str):
            event[name] = redact_text(value)
    return event


def redact_text(text: str) -> str:
    """Hide the passwords of addresses and what follows Bearer and Basic."""
    return BEARER.sub(rf"\1 {HIDDEN}", URL_PASSWORD.sub(rf"\1:{HIDDEN}@", text))
