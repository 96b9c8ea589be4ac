"""Everything that changes money, its limits and its halts."""

from .money import (
    FillOutcome,
    equity_snapshot,
    fill_apply,
    portfolio_create,
    portfolio_lock,
    positions_mark,
)

__all__ = [
    "FillOutcome",
    "equity_snapshot",
    "fill_apply",
    "portfolio_create",
    "portfolio_lock",
    "positions_mark",
]
