from django.urls import path

from .views import account, administration, keys, signing_in

urlpatterns = [
    path("auth/login", signing_in.SignInView.as_view(), name="auth-login"),
    path("auth/refresh", signing_in.RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout", signing_in.SignOutView.as_view(), name="auth-logout"),
    path("auth/register", signing_in.RegisterView.as_view(), name="auth-register"),
    path("auth/register/resend", signing_in.ResendView.as_view(), name="auth-register-resend"),
    path("auth/verify-email", signing_in.VerifyView.as_view(), name="auth-verify-email"),
    path("auth/password", signing_in.PasswordView.as_view(), name="auth-password"),
    path("auth/password/reset", signing_in.PasswordResetAskView.as_view(), name="auth-password-reset"),
    path("auth/password/reset/confirm", signing_in.PasswordResetView.as_view(), name="auth-password-reset-confirm"),
    path("auth/me", account.AccountView.as_view(), name="auth-me"),
    path("auth/sessions", account.SessionsView.as_view(), name="auth-sessions"),
    path("auth/sessions/<uuid:session_id>", account.SessionView.as_view(), name="auth-session"),
    path("auth/mfa", account.MfaView.as_view(), name="auth-mfa"),
    path("auth/mfa/challenge", signing_in.ChallengeView.as_view(), name="auth-mfa-challenge"),
    path("auth/mfa/enroll", account.MfaEnrollView.as_view(), name="auth-mfa-enroll"),
    path("auth/mfa/verify", account.MfaVerifyView.as_view(), name="auth-mfa-verify"),
    path("auth/mfa/disable", account.MfaDisableView.as_view(), name="auth-mfa-disable"),
    path("auth/mfa/backup-codes", account.BackupCodesView.as_view(), name="auth-mfa-backup-codes"),
    path("api-keys", keys.ApiKeysView.as_view(), name="api-keys"),
    path("api-keys/<uuid:key_id>", keys.ApiKeyView.as_view(), name="api-key"),
    path("api-keys/<uuid:key_id>/rotate", keys.ApiKeyRotateView.as_view(), name="api-key-rotate"),
    path("users", administration.UsersView.as_view(), name="users"),
    path("users/<int:user_id>", administration.UserView.as_view(), name="user"),
    path("audit", administration.AuditView.as_view(), name="audit"),
]
