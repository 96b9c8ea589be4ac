from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """Load the Celery application and the checks once Django is ready; `__init__` stays empty for the pure core."""

    name = "algotrendy"
    label = "platform"
    verbose_name = "Platform"

    def ready(self) -> None:
        from . import celery as _celery  # noqa: F401
        from . import checks as _checks  # noqa: F401
