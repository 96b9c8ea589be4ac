"""What a portfolio has realized, row by row: from its fills, in the order in which they were applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from algotrendy.trading.ledger import LedgerEntry, LedgerFill, LedgerMethod, ledger_entries
from algotrendy.trading.values import ZERO, PositionSide, Side
from apps.common.sheets import csv_line, csv_lines
from apps.orders.models import Fill
from apps.portfolio.models import Portfolio

LEDGER_COLUMNS = [
    "closed_at", "opened_at", "holding_seconds", "symbol", "book", "side", "quantity", "entry_price", "exit_price",
    "gross", "fees", "net",
]  # fmt: skip
FILL_COLUMNS = [
    "executed_at", "symbol", "side", "price", "quantity", "quote_quantity", "fee", "fee_currency", "realized_pnl",
    "portfolio", "strategy", "book", "role", "client_order_id", "exchange_trade_id", "order", "position", "id",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A closed quantity of an instrument in a book; money in the portfolio's currency."""

    symbol: str
    book: str
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    gross: Decimal
    fees: Decimal
    net: Decimal
    opened_at: datetime
    closed_at: datetime

    @property
    def holding_seconds(self) -> int:
        return int((self.closed_at - self.opened_at).total_seconds())


@dataclass(frozen=True, slots=True)
class Ledger:
    """The rows, the newest first, and what they add up to."""

    method: LedgerMethod
    rows: list[LedgerRow]
    gross: Decimal
    fees: Decimal
    net: Decimal


def portfolio_ledger(
    portfolio: Portfolio, method: LedgerMethod, since: datetime | None = None, until: datetime | None = None
) -> Ledger:
    """Return what the portfolio closed from `since` on and before `until`, market time.

    All fills count, also those before: what they opened is what is closed.
    """
    rows = [
        row
        for row in _rows(portfolio, method)
        if (since is None or row.closed_at >= since) and (until is None or row.closed_at < until)
    ]
    rows.sort(key=lambda row: row.closed_at, reverse=True)
    gross, fees = sum((row.gross for row in rows), ZERO), sum((row.fees for row in rows), ZERO)
    return Ledger(method, rows, gross, fees, gross - fees)


def ledger_csv(ledger: Ledger) -> Iterator[str]:
    """Yield the rows as lines of CSV, the names first."""
    return csv_lines(LEDGER_COLUMNS, ([getattr(row, name) for name in LEDGER_COLUMNS] for row in ledger.rows))


def fills_csv(fills: QuerySet[Fill]) -> Iterator[str]:
    """Yield the fills as lines of CSV, the names first; they are read as they are sent."""
    yield csv_line(FILL_COLUMNS)
    for fill in fills.select_related("order__instrument", "order__portfolio", "order__strategy").iterator(1000):
        yield csv_line(_fill_cells(fill))


def _fill_cells(fill: Fill) -> Iterable[object]:
    order = fill.order
    own = [fill.executed_at, order.instrument.symbol, fill.side, fill.price, fill.quantity, fill.quote_quantity]
    money = [fill.fee, fill.fee_currency, fill.realized_pnl]
    place = [order.portfolio.name, order.strategy.name if order.strategy else None, order.book, order.role]
    return [*own, *money, *place, order.client_order_id, fill.exchange_trade_id, order.pk, fill.position_id, fill.pk]


def _rows(portfolio: Portfolio, method: LedgerMethod) -> Iterator[LedgerRow]:
    series: dict[tuple[str, str, Decimal], list[LedgerFill]] = defaultdict(list)
    fills = Fill.objects.filter(order__portfolio=portfolio).order_by("created_at", "executed_at", "id")
    columns = ("order__instrument__symbol", "order__book", "order__instrument__contract_size")
    figures = ("executed_at", "side", "quantity", "quote_quantity", "fee")
    for symbol, book, size, at, side, quantity, value, fee in fills.values_list(*columns, *figures).iterator(2000):
        series[symbol, book, size].append(LedgerFill(at, Side(side), quantity, value, fee))
    for (symbol, book, size), own in series.items():
        for entry in ledger_entries(own, method):
            yield _row(symbol, book, size, entry)


def _row(symbol: str, book: str, contract_size: Decimal, entry: LedgerEntry) -> LedgerRow:
    return LedgerRow(
        symbol=symbol,
        book=book,
        side=entry.side,
        quantity=entry.quantity,
        entry_price=entry.entry_price(contract_size),
        exit_price=entry.exit_price(contract_size),
        gross=entry.gross,
        fees=entry.fees,
        net=entry.net,
        opened_at=entry.opened_at,
        closed_at=entry.closed_at,
    )
