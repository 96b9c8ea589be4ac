from typing import Any

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "apps.orders"
    label = "orders"
    verbose_name = "Trading"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.common.events import present, subscribe

        from .selectors import orders_told

        subscribe("candles", _trade)
        subscribe("ticker", _watch)
        present("orders", orders_told)


def _trade(candle: dict[str, Any]) -> None:
    """Wake the trading of the feed whose candle has arrived."""
    from apps.common.jobs import enqueue

    if candle.get("feed_id") is not None:
        enqueue("orders.trade_feed", candle["feed_id"])


def _watch(tick: dict[str, Any]) -> None:
    """Have the newest price of an instrument looked at, within its candle."""
    from .services.market.watching import watch_request

    watch_request(symbol=tick["symbol"])
