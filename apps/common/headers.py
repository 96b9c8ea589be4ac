"""The headers of every answer of the web server that tell a browser what it must not do with it."""

from __future__ import annotations

from collections.abc import Callable

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

API_PREFIX = "/api/"


class HeadersMiddleware:
    """Switch off what no page of the platform uses, and keep answers out of caches unless they say otherwise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")  # Static files come with their own.
        return response


class PolicyMiddleware(CSPMiddleware):
    """Send pages their content security policy, and the API's data the one under which nothing loads or runs."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if request.path.startswith(API_PREFIX) and not is_page and not report_only:
            return PolicyParts(config=settings.DATA_SECURITY_POLICY)
        return super().get_policy_parts(request, response, report_only)
