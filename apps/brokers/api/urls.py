from django.urls import path

from . import views

urlpatterns = [
    path("connections", views.ConnectionsView.as_view(), name="connections"),
    path("connections/<uuid:connection_id>", views.ConnectionView.as_view(), name="connection"),
    path(
        "connections/<uuid:connection_id>/credentials", views.CredentialsView.as_view(), name="connection-credentials"
    ),
    path("connections/<uuid:connection_id>/test", views.ConnectionTestView.as_view(), name="connection-test"),
]
