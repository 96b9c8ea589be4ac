from django.apps import AppConfig


class StrategiesConfig(AppConfig):
    name = "apps.strategies"
    label = "strategies"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.common.events import present

        from .files import files_watch
        from .selectors.telling import jobs_told

        present("backtests", jobs_told)
        files_watch()
