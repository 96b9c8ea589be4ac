from django.urls import path

from . import views

urlpatterns = [
    path("alerts", views.AlertsView.as_view(), name="alerts"),
    path("alerts/<uuid:alert_id>", views.AlertView.as_view(), name="alert"),
    path("alerts/<uuid:alert_id>/acknowledge", views.AlertAcknowledgeView.as_view(), name="alert-acknowledge"),
]
