"""Everything that changes money, its limits and its halts."""

from .fills import FillOutcome, fill_apply
from .funding import funding_charge
from .margining import LeverageNotAllowed, position_leverage_set
from .money import equity_snapshot, portfolio_create, portfolio_lock, positions_mark
from .snapshots import portfolios_snapshot

__all__ = [
    "FillOutcome",
    "LeverageNotAllowed",
    "equity_snapshot",
    "fill_apply",
    "funding_charge",
    "portfolio_create",
    "portfolio_lock",
    "portfolios_snapshot",
    "position_leverage_set",
    "positions_mark",
]
