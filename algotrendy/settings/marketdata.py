"""Exchanges (how long they may take, where they are reached, how often they are asked), and the cache of reads."""

from django.core.exceptions import ImproperlyConfigured

from .env import env

EXCHANGE_TIMEOUT_SECONDS = env.float("EXCHANGE_TIMEOUT_SECONDS", default=10.0)
EXCHANGE_ENDPOINTS: dict[str, str] = env.json("EXCHANGE_ENDPOINTS", default={})
"""A mirror or gateway in front of an exchange's API, by the exchange's id; signed requests go there, too."""
EXCHANGE_RATE_LIMITS: dict[str, float] = env.json("EXCHANGE_RATE_LIMITS", default={})
"""Milliseconds between two requests to an exchange, where it is not ccxt's figure."""
MARKETDATA_CACHE = env.bool("MARKETDATA_CACHE", default=True)
"""Whether what is read of candles is kept in Redis until it changes, for a minute at most."""

if not isinstance(EXCHANGE_ENDPOINTS, dict) or not all(
    isinstance(url, str) and url.startswith(("http://", "https://")) for url in EXCHANGE_ENDPOINTS.values()
):
    raise ImproperlyConfigured('EXCHANGE_ENDPOINTS is a JSON object like {"binance": "https://gateway.example.com"}.')
if not isinstance(EXCHANGE_RATE_LIMITS, dict) or not all(
    isinstance(limit, int | float) and limit >= 0 for limit in EXCHANGE_RATE_LIMITS.values()
):
    raise ImproperlyConfigured('EXCHANGE_RATE_LIMITS is a JSON object of milliseconds like {"binance": 50}.')
