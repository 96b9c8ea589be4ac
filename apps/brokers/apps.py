from django.apps import AppConfig


class BrokersConfig(AppConfig):
    name = "apps.brokers"
    label = "brokers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.common.encryption import seals

        seals("brokers.BrokerConnection", "encrypted_credentials")
