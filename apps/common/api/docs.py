"""The schema and the pages that show it; anybody may read what the API is like."""

from __future__ import annotations

from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from .permissions import PUBLIC, DeclaredPermission
from .views import CountedCalls

ANYBODY = {"GET": PUBLIC}


class SchemaView(CountedCalls, SpectacularAPIView):
    permission_classes = [DeclaredPermission]
    access = ANYBODY


class SwaggerView(CountedCalls, SpectacularSwaggerView):
    permission_classes = [DeclaredPermission]
    access = ANYBODY


class RedocView(CountedCalls, SpectacularRedocView):
    permission_classes = [DeclaredPermission]
    access = ANYBODY
