"""What every answer of the API passes: it tells of its limits, also where no view has counted it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.settings import api_settings

from apps.common.api.errors import API_PREFIX, MEDIA_TYPE, throttled
from apps.common.api.throttling import GENERAL, tally_of

from .headers import headers_of
from .windows import Tally


class RateLimitMiddleware:
    """Write the limits' headers; count by address what no view has counted, such as paths that do not exist."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not settings.RATELIMIT_ENABLE or not request.path.startswith(API_PREFIX):
            return response
        tally = tally_of(request)
        if tally is None:
            tally = _count(request)
            if tally.retry_after:
                response = _refusal(request, tally)
        if tally.usages:
            for name, value in headers_of(tally).items():
                response[name] = value
        return response


def _count(request: HttpRequest) -> Tally:
    throttle: Any = api_settings.DEFAULT_THROTTLE_CLASSES[0]
    tally: Tally = throttle().count_stranger(request, GENERAL)
    return tally


def _refusal(request: HttpRequest, tally: Tally) -> HttpResponse:
    problem = throttled(tally.retry_after)
    return JsonResponse(
        problem.document(request.path), status=problem.status, headers=problem.headers, content_type=MEDIA_TYPE
    )
