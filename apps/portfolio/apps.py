from django.apps import AppConfig


class PortfolioConfig(AppConfig):
    name = "apps.portfolio"
    label = "portfolio"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.common.events import present

        from .telling import portfolios_told, positions_told

        present("positions", positions_told)
        present("portfolio", portfolios_told)
