"""Routes of health and metrics."""

from django.urls import path

from apps.operations.api import views

urlpatterns = [
    path("api/health/live", views.LiveView.as_view(), name="health-live"),
    path("api/health/ready", views.ReadyView.as_view(), name="health-ready"),
    path("api/health/startup", views.StartupView.as_view(), name="health-startup"),
    path("metrics", views.metrics, name="metrics"),
]
