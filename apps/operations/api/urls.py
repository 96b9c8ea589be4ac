"""Routes of health and metrics."""

from django.urls import path

from apps.operations.api import views

urlpatterns = [
    path("api/health/live", views.live, name="health-live"),
    path("api/health/ready", views.ready, name="health-ready"),
    path("api/health/startup", views.startup, name="health-startup"),
    path("metrics", views.metrics, name="metrics"),
]
