"""What an account holds, beside what the platform's portfolios believe that they hold there.

Nothing is repaired here: a position follows fills alone. On a spot account, and of money, people may hold more than the
platform has bought: only that the venue holds less than the portfolios believe is a difference.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from django.db.models import Sum

from algotrendy.trading.broker import BrokerGateway
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import ZERO
from apps.brokers.models import BrokerConnection, MarketType
from apps.marketdata.models import Instrument
from apps.orders.models import Order
from apps.portfolio.models import Portfolio, Position

from .differences import Difference, DifferenceKind

CASH_TOLERANCE = Decimal("0.001")
"""The share of the money by which the venue may hold less: fees of other currencies are booked at a price of ours."""


def holdings_compare(
    connection: BrokerConnection, instruments: list[Instrument], gateway: BrokerGateway
) -> list[Difference]:
    """Ask the venue what the account holds and return what differs; raises BrokerUnavailable.

    Instruments with an order on its way are left out: its fills may be on one side only.
    """
    in_flight = _in_flight(connection)
    settled = [instrument for instrument in instruments if instrument.pk not in in_flight]
    is_spot = connection.market_type == MarketType.SPOT and not gateway.traits.is_simulated
    if is_spot:
        balances = {name: balance.total for name, balance in gateway.fetch_balances().items()}
        if in_flight:
            return _coins(connection, settled, balances)
        return [*_coins(connection, settled, balances), *_cash(connection, balances)]
    symbols = [instrument.symbol for instrument in settled]
    positions = gateway.fetch_positions(symbols) if symbols else {}
    found = _positions(connection, settled, {symbol: held.quantity for symbol, held in positions.items()})
    if gateway.traits.is_simulated or in_flight:
        return found
    balances = {name: balance.total for name, balance in gateway.fetch_balances().items()}
    return [*found, *_cash(connection, balances)]


def _in_flight(connection: BrokerConnection) -> set[int]:
    rows = Order.objects.filter(
        portfolio__connection=connection, portfolio__is_simulation=False, status=OrderStatus.SUBMITTED
    )
    return set(rows.values_list("instrument", flat=True))


def _held(connection: BrokerConnection) -> dict[int, Decimal]:
    """Return what the connection's portfolios hold by instrument, over all books."""
    rows = (
        Position.objects.filter(
            portfolio__connection=connection, portfolio__is_simulation=False, closed_at__isnull=True
        )
        .values("instrument")
        .order_by()
        .annotate(held=Sum("quantity"))
    )
    return {row["instrument"]: row["held"] for row in rows}


def _positions(
    connection: BrokerConnection, instruments: list[Instrument], venue: dict[str, Decimal]
) -> list[Difference]:
    held = _held(connection)
    return [
        Difference(
            DifferenceKind.POSITION,
            instrument.symbol,
            _plain(held.get(instrument.pk, ZERO)),
            _plain(venue.get(instrument.symbol, ZERO)),
            "The sum over all books.",
        )
        for instrument in instruments
        if abs(held.get(instrument.pk, ZERO) - venue.get(instrument.symbol, ZERO)) >= instrument.quantity_step
    ]


def _coins(
    connection: BrokerConnection, instruments: list[Instrument], balances: dict[str, Decimal]
) -> list[Difference]:
    held = _held(connection)
    believed: dict[str, Decimal] = defaultdict(lambda: ZERO)
    least: dict[str, Decimal] = {}
    for instrument in instruments:
        currency = instrument.base_currency
        believed[currency] += held.get(instrument.pk, ZERO)
        least[currency] = max(least.get(currency, ZERO), instrument.quantity_step)
    return [
        Difference(
            DifferenceKind.POSITION,
            currency,
            _plain(quantity),
            _plain(balances.get(currency, ZERO)),
            "The account holds less than the portfolios believe.",
        )
        for currency, quantity in sorted(believed.items())
        if currency and quantity - balances.get(currency, ZERO) >= least[currency]
    ]


def _cash(connection: BrokerConnection, balances: dict[str, Decimal]) -> list[Difference]:
    believed: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for portfolio in Portfolio.objects.filter(connection=connection, is_simulation=False):
        believed[portfolio.base_currency] += _cash_at_venue(portfolio, connection)
    return [
        Difference(
            DifferenceKind.BALANCE,
            currency,
            _plain(cash),
            _plain(balances.get(currency, ZERO)),
            "The account has less money than the portfolios believe.",
        )
        for currency, cash in sorted(believed.items())
        if cash - balances.get(currency, ZERO) > max(abs(cash) * CASH_TOLERANCE, Decimal("0.01"))
    ]


def _cash_at_venue(portfolio: Portfolio, connection: BrokerConnection) -> Decimal:
    """Return the money that the venue should show: a contract's cost stays in the account, a coin's is paid."""
    cash: Decimal = portfolio.cash
    if connection.market_type == MarketType.SPOT:
        return cash
    held = Position.objects.filter(portfolio=portfolio, closed_at__isnull=True)
    cost: Decimal = held.aggregate(cost=Sum("cost_basis"))["cost"] or ZERO
    return cash + cost


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else "0"
