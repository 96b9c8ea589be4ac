"""How long orders may be on their way."""

from django.core.exceptions import ImproperlyConfigured

from .env import env
from .marketdata import EXCHANGE_TIMEOUT_SECONDS

ORDER_PROOF_SECONDS = env.float("ORDER_PROOF_SECONDS", default=30.0)
"""How long after it was sent an order may still turn up at a venue that says it has never seen it."""

if ORDER_PROOF_SECONDS < 2 * EXCHANGE_TIMEOUT_SECONDS:
    raise ImproperlyConfigured(
        "ORDER_PROOF_SECONDS must be at least twice EXCHANGE_TIMEOUT_SECONDS: an order that is still on its way would "
        "be given up."
    )
