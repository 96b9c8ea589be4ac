"""Every route of the API, found in the URL configuration itself."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Route:
    """A path such as `/api/orders/<uuid:order_id>`, and the callable that answers it."""

    path: str
    callback: Any

    @property
    def view(self) -> Any:
        """The class of a class-based view, else None."""
        return getattr(self.callback, "cls", None) or getattr(self.callback, "view_class", None)

    @property
    def methods(self) -> list[str]:
        return [method for method in METHODS if hasattr(self.view, method)]

    @property
    def filled_for_schema(self) -> str:
        """The path as OpenAPI writes it: `/api/orders/{order_id}`."""
        return re.sub(r"<\w+:(\w+)>", r"{\1}", self.path)

    def filled(self, **values: object) -> str:
        """Return the path with these values in place of its parameters, with made-up ones for those not given."""
        return re.sub(r"<(\w+):(\w+)>", lambda match: str(values.get(match[2], _made_up(match[1]))), self.path)


def api_routes() -> list[Route]:
    return [route for route in _routes(get_resolver().url_patterns, "/") if route.path.startswith("/api/")]


def _routes(patterns: list[Any], prefix: str) -> Iterator[Route]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield Route(prefix + str(pattern.pattern), pattern.callback)


def _made_up(converter: str) -> object:
    return uuid.UUID(int=7) if converter == "uuid" else 1 if converter == "int" else "BTCUSD"
