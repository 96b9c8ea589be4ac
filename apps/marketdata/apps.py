from django.apps import AppConfig


class MarketdataConfig(AppConfig):
    name = "apps.marketdata"
    label = "marketdata"
    verbose_name = "Market data"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.common.events import present

        from .selectors import telling

        present("candles", telling.candles_told)
        present("ticker", telling.ticks_told)
        present("downloads", telling.downloads_told)
        present("summary", telling.summary_told)
