"""What a request may carry, decided by its headers alone: what is too large is refused before any of it is read."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.common.api.errors import Problem, refuse

MOST_DIGITS = 15


class BodyMiddleware:
    """Hold every body to one limit, whoever reads it: a JSON parser reads past Django's own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        problem = _problem_with(request.META)
        return self.get_response(request) if problem is None else refuse(request, problem)


def _problem_with(meta: dict[str, str]) -> Problem | None:
    length, limit = meta.get("CONTENT_LENGTH") or "", settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if meta.get("HTTP_TRANSFER_ENCODING") or (length and not re.fullmatch("[0-9]+", length)):
        return Problem(411, "length_required", "Send the body with a Content-Length, not in chunks.")
    if len(length) > MOST_DIGITS or int(length or 0) > limit:
        return Problem(413, "too_large", f"The body is too large: send at most {limit:,} bytes in one request.")
    if meta.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
        return Problem(415, "unsupported_encoding", "Send the body as it is, without Content-Encoding.")
    return None
