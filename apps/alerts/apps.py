from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "apps.alerts"
    label = "alerts"
    verbose_name = "Operate"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.common.events import present

        from .selectors import alerts_told

        present("alerts", alerts_told)
