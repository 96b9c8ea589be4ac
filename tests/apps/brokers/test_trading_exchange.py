"""The exchange that other tests trade at: its state is its own, and outlives `kill -9`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import LazySettings

from algotrendy.trading.errors import BrokerUnavailable
from apps.accounts.models import User
from apps.brokers.adapters.exchange import CcxtGateway
from tests.exchange.process import exchange_process

from .conftest import KEY, SECRET, ask, exchange_connection

pytestmark = pytest.mark.django_db
ID = "a" * 32


def test_what_was_traded_outlives_the_process(trader: User, settings: LazySettings, tmp_path: Path) -> None:
    settings.EXCHANGE_RATE_LIMITS = {"binance": 1}
    with exchange_process(tmp_path / "exchange.json") as exchange:
        settings.EXCHANGE_ENDPOINTS = {"binance": f"{exchange.url}/binance"}
        exchange.trade(open_account={"key": KEY, "secret": SECRET, "balances": {"USDT": 1000}})
        gateway = CcxtGateway(exchange_connection(trader))
        gateway.submit_order(ask())
        exchange.trade(fill={"client_order_id": ID, "quantity": "0.2"})
        before = exchange.truth()
        exchange.kill()
        with pytest.raises(BrokerUnavailable):
            gateway.fetch_order(ID, "BTC/USDT")

        exchange.start()
        after = exchange.truth()
        assert {**after, "asked": before["asked"]} == before
        found = gateway.fetch_order(ID, "BTC/USDT")
        assert found is not None
        assert found.filled_quantity == Decimal("0.2")
        assert gateway.fetch_balances()["USDT"].used == Decimal(27)  # 0.3 at 90
