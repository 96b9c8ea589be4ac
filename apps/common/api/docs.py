"""The schema and the pages that show it; anybody may read what the API is like."""

from __future__ import annotations

from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerSplitView

from .permissions import PUBLIC, DeclaredPermission

ANYBODY = {"GET": PUBLIC}


class SchemaView(SpectacularAPIView):
    permission_classes = [DeclaredPermission]
    access = ANYBODY


class SwaggerView(SpectacularSwaggerSplitView):
    """The page and its script apart, as no script may stand in a page."""

    permission_classes = [DeclaredPermission]
    access = ANYBODY


@method_decorator(csp_update({"worker-src": ["blob:"]}), name="dispatch")
class RedocView(SpectacularRedocView):
    """Its search runs in a worker that it makes of its own script."""

    permission_classes = [DeclaredPermission]
    access = ANYBODY
