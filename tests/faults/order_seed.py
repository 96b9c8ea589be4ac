"""What a trader at the loopback exchange has, made in a fresh database: prints an API key and ids as a line of JSON.

`python -m tests.faults.order_seed CASH`, with the platform's environment.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Any

from tests.faults.order_trials import ACCOUNTS, SYMBOLS


def seed(cash: Decimal) -> dict[str, Any]:
    from apps.accounts.models import Role
    from apps.accounts.services import api_key_create, user_create
    from tests.builders import PASSWORD, make_candles_rows, make_instrument

    trader = user_create(username="trader", email="trader@example.com", password=PASSWORD, role=Role.TRADER)
    for symbol in SYMBOLS:
        make_candles_rows(make_instrument(symbol), [100])
    _, key = api_key_create(user=trader, name="faults", scopes=["read", "trade"])
    return {"key": key, "portfolios": {name: _portfolio(trader, name, cash) for name in ACCOUNTS}}


def _portfolio(trader: Any, name: str, cash: Decimal) -> str:
    """Return the id of a portfolio at a connection of its own, whose limits refuse nothing and halt nothing."""
    from apps.brokers.credentials import Credentials, sealed
    from apps.portfolio.models import RiskProfile
    from tests.apps.brokers.conftest import exchange_connection
    from tests.builders import make_portfolio

    account = ACCOUNTS[name]
    connection = exchange_connection(
        trader,
        name=name,
        market_type=account.market,
        encrypted_credentials=sealed(Credentials(account.key, account.secret)),
        test_result={"ok": True, "rests": sorted(account.rests)} if account.rests else {},
    )
    portfolio = make_portfolio(trader, name, connection=connection, base_currency="USDT", initial_cash=cash)
    RiskProfile.objects.filter(portfolio=portfolio).update(
        max_position_size_percent=100, max_total_exposure_percent=100, max_concurrent_positions=99, min_order_size=1,
        max_orders_per_minute=0, circuit_breaker=False,
    )  # fmt: skip
    return str(portfolio.pk)


def main() -> None:
    import django

    django.setup()
    print(json.dumps(seed(Decimal(sys.argv[1]))), flush=True)


if __name__ == "__main__":
    main()
