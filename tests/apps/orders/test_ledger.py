"""The realized ledger and the export of fills: figures by hand, files that are safe to open."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from algotrendy.trading.ledger import LedgerMethod
from apps.accounts.models import User
from apps.common.sheets import csv_line
from apps.orders.ledger import portfolio_ledger
from apps.portfolio.models import Position
from tests.apps.orders.stepped_desk import SteppedDesk
from tests.builders import MARKET_TIME, make_fill, make_order
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(trader: User) -> SteppedDesk:
    return SteppedDesk(trader, commission_rate=D("0.001"))


def trade(desk: SteppedDesk) -> None:
    """Buy 2 at 100 and 2 at 110, sell 3 at 120, then 3 more at 90, which flips to short 2; a fee of 0.1 % each."""
    for side, quantity, price in (("buy", "2", "100"), ("buy", "2", "110"), ("sell", "3", "120"), ("sell", "3", "90")):
        desk.place(side, quantity)
        desk.flat_bar(price)


def content(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_both_methods_by_hand_through_a_flip(desk: SteppedDesk) -> None:
    trade(desk)
    average = portfolio_ledger(desk.portfolio, LedgerMethod.AVERAGE)
    # 3 of 4 at 105 leave at 120: 45, fees 0.315 + 0.36. The last leaves at 90: -15, fees 0.105 + a third of 0.27.
    assert [(row.quantity, row.gross, row.fees) for row in average.rows] == [
        (D(1), D(-15), D("0.195")),
        (D(3), D(45), D("0.675")),
    ]
    assert (average.gross, average.fees, average.net) == (D(30), D("0.87"), D("29.13"))
    fifo = portfolio_ledger(desk.portfolio, LedgerMethod.FIFO)
    # 2 of 100 and 1 of 110 at 120: 40 and 10. 1 of 110 at 90: -20.
    assert [(row.quantity, row.entry_price, row.gross) for row in fifo.rows] == [
        (D(1), D(110), D(-20)),
        (D(2), D(100), D(40)),
        (D(1), D(110), D(10)),
    ]
    assert fifo.net == average.net
    realized = sum(Position.objects.values_list("realized_pnl", flat=True), D(0))
    assert average.gross == realized == desk.money.realized_pnl


def test_the_api_shows_a_period_with_its_totals(desk: SteppedDesk, client_for: ClientFor) -> None:
    trade(desk)
    client, url = client_for(desk.owner), f"/api/portfolios/{desk.portfolio.pk}/ledger"
    shown = client.get(url, {"method": "fifo", "limit": "1"}).json()
    assert (shown["method"], shown["gross"], shown["count"], len(shown["results"])) == ("fifo", "30", 3, 1)
    assert shown["results"][0] == {
        "symbol": "BTC/USD", "book": "manual", "side": "long", "quantity": "1", "entry_price": "110",
        "exit_price": "90", "gross": "-20", "fees": "0.2", "net": "-20.2", "opened_at": "2024-03-01T13:00:00Z",
        "closed_at": "2024-03-01T15:00:00Z", "holding_seconds": 7200,
    }  # fmt: skip
    until = (MARKET_TIME + timedelta(hours=3)).isoformat()
    assert client.get(url, {"until": until}).json()["gross"] == "45"
    assert client.get(url, {"since": until}).json()["gross"] == "-15"
    assert client.get(url, {"method": "lifo"}).status_code == 400
    assert client.get(url, {"metod": "fifo"}).status_code == 400


def test_the_ledger_comes_as_a_file(desk: SteppedDesk, client_for: ClientFor) -> None:
    trade(desk)
    answer = client_for(desk.owner).get(f"/api/portfolios/{desk.portfolio.pk}/ledger.csv", {"method": "average"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = content(answer)
    assert [(row["side"], row["quantity"], row["gross"], row["net"]) for row in rows] == [
        ("long", "1", "-15", "-15.195"),
        ("long", "3", "45", "44.325"),
    ]


def test_fills_come_as_a_file_filtered_and_scoped(desk: SteppedDesk, client_for: ClientFor, other_trader: User) -> None:
    trade(desk)
    client = client_for(desk.owner)
    rows = content(client.get("/api/fills.csv", {"side": "buy"}))
    assert [(row["executed_at"], row["price"], row["quantity"], row["fee"]) for row in rows] == [
        ("2024-03-01T13:00:00+00:00", "110", "2", "0.22"),
        ("2024-03-01T12:00:00+00:00", "100", "2", "0.2"),
    ]
    assert content(client_for(other_trader).get("/api/fills.csv")) == []
    assert client.get("/api/fills.csv", {"colour": "red"}).status_code == 400


def test_a_text_that_a_spreadsheet_would_run_is_only_a_text(desk: SteppedDesk, client_for: ClientFor) -> None:
    desk.portfolio.name = '=HYPERLINK("http://evil.example")'
    desk.portfolio.save()
    make_fill(make_order(desk.portfolio, client_order_id="-1-or-so"), realized_pnl=D(-5))
    (row,) = content(client_for(desk.owner).get("/api/fills.csv"))
    assert row["portfolio"] == '\'=HYPERLINK("http://evil.example")'
    assert (row["client_order_id"], row["realized_pnl"]) == ("'-1-or-so", "-5")


def test_a_line_keeps_figures_plain_and_quotes_what_needs_it() -> None:
    assert csv_line([D("1.50000000"), D("0E-8"), None, MARKET_TIME, "a,b", -3]) == (
        '1.5,0,,2024-03-01T12:00:00+00:00,"a,b",-3\n'
    )
