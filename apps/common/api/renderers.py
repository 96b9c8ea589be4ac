"""How answers become bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import JSONRenderer

LINES, ESCAPED_LINES = ("\u2028".encode(), "\u2029".encode()), (rb"\u2028", rb"\u2029")


class Exact(dict[str, Any]):
    """Data that every encoder writes with the same characters."""


class KeptJSONRenderer(JSONRenderer):
    """Render data as JSON; what was rendered before, and kept as bytes, is given out as it is."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        if isinstance(data, bytes):
            return data
        if isinstance(data, Exact) and self.get_indent(accepted_media_type or "", renderer_context or {}) is None:
            return _lines_escaped(orjson.dumps(data, option=orjson.OPT_UTC_Z))
        rendered: bytes = super().render(data, accepted_media_type, renderer_context)
        return rendered


def _lines_escaped(rendered: bytes) -> bytes:
    """Escape the two characters that end a line in JavaScript and not in JSON, as the framework does."""
    if LINES[0][:1] not in rendered:  # one byte is looked for 30 times as fast as three
        return rendered
    for character, escape in zip(LINES, ESCAPED_LINES, strict=True):
        rendered = rendered.replace(character, escape)
    return rendered
