from django.urls import path
from django.views.generic import RedirectView

from . import letters, sign_in

urlpatterns = [
    path("admin/login/", sign_in.SignInView.as_view(), name="sign-in"),
    path("admin/login/code/", sign_in.CodeView.as_view(), name="sign-in-code"),
    path("admin/password_change/", RedirectView.as_view(pattern_name="admin:account"), name="password-change"),
    path("account/forgot-password", letters.ForgotPasswordView.as_view(), name="admin_password_reset"),
    path("account/reset-password", letters.ResetPasswordView.as_view(), name="reset-password"),
    path("account/verify-email", letters.VerifyEmailView.as_view(), name="verify-email"),
    path("account/register", letters.RegisterView.as_view(), name="register"),
]
