from django.urls import path

from . import views

urlpatterns = [
    path("auth/login", views.SignInView.as_view(), name="auth-login"),
    path("auth/refresh", views.RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout", views.SignOutView.as_view(), name="auth-logout"),
    path("auth/me", views.AccountView.as_view(), name="auth-me"),
]
