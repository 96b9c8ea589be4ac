"""What every request passes: its time is measured, and its correlation id is told to the client."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from apps.common.client_ip import client_ip
from apps.common.metrics import API_DURATION
from apps.common.origin import request_from
from apps.common.outages import OUTAGES

log = structlog.get_logger(__name__)
HEADER = "X-Request-ID"
QUIET = ("/api/health/", "/metrics", "/static/")
WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{8,64}")


class CorrelationMiddleware:
    """Give each request a correlation id, the client's own where it sends a well-formed one, and answer with it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        correlation_id = given if WELL_FORMED.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(correlation_id=correlation_id)
        request.correlation_id = correlation_id  # type: ignore[attr-defined]
        started = time.perf_counter()
        try:
            with request_from(client_ip(request), request.headers.get("User-Agent", "")):
                response = self.get_response(request)
            if not request.path.startswith(QUIET):
                _log(request, response.status_code, time.perf_counter() - started)
        finally:
            structlog.contextvars.clear_contextvars()
        response[HEADER] = correlation_id
        return response


def _log(request: HttpRequest, status: int, seconds: float) -> None:
    log.log(
        logging.WARNING if status >= 500 else logging.INFO,
        "request",
        method=request.method,
        path=request.path,
        status=status,
        milliseconds=round(seconds * 1000, 1),
        user=_user_id(request),
    )


def _user_id(request: HttpRequest) -> object:
    """Return who asked; nobody where that would have to be looked up and cannot be."""
    user = getattr(request, "user", None)
    try:
        return user.pk if user is not None and user.is_authenticated else None
    except OUTAGES:
        return None


class DurationMiddleware:
    """Measure how long each request takes, under the pattern of its address: ids make no series of their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = match.route if match else "unmatched"
        method = request.method if request.method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD") else "other"
        API_DURATION.labels(method, route, str(response.status_code)).observe(time.perf_counter() - started)
        return response
