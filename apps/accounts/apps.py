from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.accounts import receivers  # noqa: F401
        from apps.common.encryption import seals

        seals("accounts.Authenticator", "encrypted_secret")
