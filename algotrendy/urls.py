"""Every route of the web server; the event stream has its own process (`algotrendy.asgi`)."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from apps.common.api import docs

handler400 = "apps.common.api.errors.bad_request"
handler403 = "apps.common.api.errors.permission_denied"
handler404 = "apps.common.api.errors.page_not_found"
handler500 = "apps.common.api.errors.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="root"),
    path("", include("apps.accounts.pages.urls")),
    path("admin/", admin.site.urls),
    path("", include("apps.operations.api.urls")),
    path("api/", include("apps.accounts.api.urls")),
    path("api/", include("apps.alerts.api.urls")),
    path("api/", include("apps.marketdata.api.urls")),
    path("api/", include("apps.brokers.api.urls")),
    path("api/", include("apps.portfolio.api.urls")),
    path("api/", include("apps.strategies.api.urls")),
    path("api/", include("apps.orders.api.urls")),
    path("api/schema", docs.SchemaView.as_view(), name="schema"),
    path("api/docs", docs.SwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/redoc", docs.RedocView.as_view(url_name="schema"), name="redoc"),
]
