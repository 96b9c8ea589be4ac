"""Health for load balancers, metrics for Prometheus: plain views, so that they answer whatever else does not."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from apps.operations.health import Part, check_ready, check_worker
from apps.operations.metrics import scrape


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """Tell that the process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Tell whether requests can be served; a missing worker is told, but does not take the web server out."""
    parts = check_ready()
    return _answer(parts, [*parts, check_worker()])


@require_safe
@never_cache
def startup(request: HttpRequest) -> JsonResponse:
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


def _answer(needed: Iterable[Part], shown: Iterable[Part]) -> JsonResponse:
    ok = all(part.ok for part in needed)
    parts = {
        part.name: {
            "status": "ok" if part.ok else "failed",
            "milliseconds": part.milliseconds,
            **({"advice": part.advice} if part.advice else {}),
        }
        for part in shown
    }
    return JsonResponse({"status": "ok" if ok else "failed", "parts": parts}, status=200 if ok else 503)


def _may_scrape(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
