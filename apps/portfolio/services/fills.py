"""A fill, and all that it moves: cash, position, realized profit, margin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.positions import PositionState
from algotrendy.trading.values import Side, quantize
from apps.common.gathering import row_add, row_save
from apps.marketdata.models import Instrument
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.services.funding import funding_settle
from apps.portfolio.services.margining import margin_refresh
from apps.portfolio.services.money import position_publish


@dataclass(frozen=True, slots=True)
class FillOutcome:
    """What a fill did: the position it ended in (closed or open), what it realized, closed and opened."""

    position: Position
    realized: Decimal
    closed: Decimal
    opened: Decimal
    ended: bool = False
    """Whether the position that was held came to its end, be it for one on the other side."""


def fill_apply(
    *,
    portfolio: Portfolio,
    instrument: Instrument,
    book: str,
    held: Position | None,
    side: Side,
    price: Decimal,
    quantity: Decimal,
    fee: Decimal,
    at: datetime,
) -> FillOutcome:
    """Move cash, position and realized profit by one fill; the caller holds the portfolio's lock.

    `held` is the book's open position, None where it is flat. A fill beyond what is held closes that position's row
    and opens another on the other side. Of a short, the funding that is due by then is paid first.
    """
    spec = instrument.spec
    value = spec.notional(price, quantity)
    if held is not None:
        funding_settle(portfolio=portfolio, position=held, price=price, at=at)
    applied = (held.state if held else PositionState()).apply(side, quantity, value)
    portfolio.cash += -side.sign * value - fee
    portfolio.realized_pnl += applied.realized
    portfolio.fees_paid += fee
    row_save(portfolio, ["cash", "realized_pnl", "fees_paid", "updated_at"])
    opening_fee = quantize(fee * applied.opened / quantity)
    if held is not None and applied.closed:
        is_flip = applied.opened > 0
        after = PositionState() if is_flip else applied.after
        _position_reduce(held, after, applied.realized, fee - opening_fee, price, at)
    if applied.opened:
        grows = held if held is not None and not applied.closed else None
        opened = PositionState(side.sign * applied.opened, side.sign * applied.opened_value)
        held = _position_open(grows, opened, portfolio, instrument, book, spec, opening_fee, price, at)
    if held is None:
        raise AssertionError("A fill of a positive quantity always ends in a position.")
    position_publish(held, portfolio)
    ended = bool(applied.closed) and applied.before.side is not applied.after.side
    return FillOutcome(held, applied.realized, applied.closed, applied.opened, ended)


def _position_reduce(
    position: Position, after: PositionState, realized: Decimal, fee: Decimal, price: Decimal, at: datetime
) -> None:
    position.quantity = after.quantity
    position.cost_basis = after.cost_basis
    position.realized_pnl += realized
    position.fees_paid += fee
    position.mark_price = price
    if after.quantity == 0:
        position.closed_at = at
    margin_refresh(position)
    row_save(position)


def _position_open(
    grows: Position | None,
    opened: PositionState,
    portfolio: Portfolio,
    instrument: Instrument,
    book: str,
    spec: InstrumentSpec,
    fee: Decimal,
    price: Decimal,
    at: datetime,
) -> Position:
    position = grows or Position(portfolio=portfolio, instrument=instrument, book=book, side=opened.side, opened_at=at)
    position.quantity += opened.quantity
    position.cost_basis += opened.cost_basis
    position.entry_price = position.state.average_price(spec.contract_size)
    position.max_quantity = max(position.max_quantity, abs(position.quantity))
    position.fees_paid += fee
    position.mark_price = price
    margin_refresh(position)
    if grows is None:
        row_add(position)
    else:
        row_save(position)
    return position
