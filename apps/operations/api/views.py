"""Health for load balancers and metrics for Prometheus: no sign-in, no limit, an answer whatever else is down."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework.request import Request
from rest_framework.response import Response

from apps.common.api.permissions import PUBLIC
from apps.common.api.throttling import UNLIMITED
from apps.common.api.views import ApiView
from apps.common.client_ip import client_ip
from apps.operations.api.serializers import HealthSerializer
from apps.operations.health import Part, check_ready, check_worker
from apps.operations.metrics import scrape


class HealthView(ApiView):
    """What all health routes share; nobody is looked up, so that none needs the database to answer."""

    access = {"GET": PUBLIC}
    authentication_classes = ()
    rate_scope = UNLIMITED


class LiveView(HealthView):
    @extend_schema(operation_id="health_live", responses={200: HealthSerializer})
    def get(self, request: Request) -> Response:
        """Tell that the process answers."""
        return Response({"status": "ok"})


class ReadyView(HealthView):
    @extend_schema(operation_id="health_ready", responses={200: HealthSerializer, 503: HealthSerializer})
    def get(self, request: Request) -> Response:
        """Tell whether requests can be served; a missing worker is told, but does not take the web server out."""
        parts = check_ready()
        return _answer(parts, [*parts, check_worker()])


class StartupView(HealthView):
    @extend_schema(operation_id="health_startup", responses={200: HealthSerializer, 503: HealthSerializer})
    def get(self, request: Request) -> Response:
        """Tell whether the platform has come up: database, Redis and migrations."""
        parts = check_ready()
        return _answer(parts, parts)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Give Prometheus its metrics: with METRICS_TOKEN to who shows it, else to this machine alone."""
    if not _may_scrape(request):
        return HttpResponse("Metrics need the token, or a loopback address.\n", status=403, content_type="text/plain")
    return HttpResponse(scrape(), content_type=CONTENT_TYPE_LATEST)


def _answer(needed: Iterable[Part], shown: Iterable[Part]) -> Response:
    ok = all(part.ok for part in needed)
    parts = {
        part.name: {
            "status": "ok" if part.ok else "failed",
            "milliseconds": part.milliseconds,
            **({"advice": part.advice} if part.advice else {}),
        }
        for part in shown
    }
    body = {"status": "ok" if ok else "failed", "parts": parts}
    return Response(body, status=200 if ok else 503, headers={"Cache-Control": "no-store"})


def _may_scrape(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    try:
        return ipaddress.ip_address(client_ip(request)).is_loopback
    except ValueError:
        return False
