"""The schema and the pages that show it; anybody may read what the API is like."""

from __future__ import annotations

from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from .permissions import PUBLIC, DeclaredPermission

ANYBODY = {"GET": PUBLIC}


class SchemaView(SpectacularAPIView):
    permission_classes = [DeclaredPermission]
    access = ANYBODY


class SwaggerView(SpectacularSwaggerView):
    permission_classes = [DeclaredPermission]
    access = ANYBODY


class RedocView(SpectacularRedocView):
    permission_classes = [DeclaredPermission]
    access = ANYBODY
