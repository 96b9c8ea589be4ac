"""What a trader at the loopback exchange has, made in a fresh database: prints an API key and ids as a line of JSON.

`python -m tests.faults.order_seed CASH`, with the platform's environment.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Any


def seed(cash: Decimal) -> dict[str, Any]:
    from apps.accounts.models import Role
    from apps.accounts.services import api_key_create, user_create
    from apps.portfolio.models import RiskProfile
    from tests.apps.brokers.conftest import exchange_connection
    from tests.builders import PASSWORD, make_candles_rows, make_instrument, make_portfolio

    trader = user_create(username="trader", email="trader@example.com", password=PASSWORD, role=Role.TRADER)
    connection = exchange_connection(trader, sandbox=True)
    portfolio = make_portfolio(trader, connection=connection, base_currency="USDT", initial_cash=cash)
    RiskProfile.objects.filter(portfolio=portfolio).update(
        max_position_size_percent=100, max_total_exposure_percent=100, max_concurrent_positions=99, min_order_size=1
    )
    make_candles_rows(make_instrument("BTC/USDT"), [100])
    _, key = api_key_create(user=trader, name="faults", scopes=["read", "trade"])
    return {"key": key, "portfolio": str(portfolio.pk), "connection": str(connection.pk)}


def main() -> None:
    import django

    django.setup()
    print(json.dumps(seed(Decimal(sys.argv[1]))), flush=True)


if __name__ == "__main__":
    main()
