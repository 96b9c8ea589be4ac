"""The schema and the pages that show it; anybody may read what the API is like."""

from __future__ import annotations

from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerSplitView

from .permissions import PUBLIC, DeclaredPermission
from .views import CountedCalls

ANYBODY = {"GET": PUBLIC}


class SchemaView(CountedCalls, SpectacularAPIView):
    permission_classes = [DeclaredPermission]
    access = ANYBODY


class SwaggerView(CountedCalls, SpectacularSwaggerSplitView):
    """The page and its script apart, as no script may stand in a page."""

    permission_classes = [DeclaredPermission]
    access = ANYBODY


@method_decorator(csp_update({"worker-src": ["blob:"]}), name="dispatch")
class RedocView(CountedCalls, SpectacularRedocView):
    """Its search runs in a worker that it makes of its own script."""

    permission_classes = [DeclaredPermission]
    access = ANYBODY
