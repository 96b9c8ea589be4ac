"""Everything that changes money, its limits and its halts."""

from .fills import FillOutcome, fill_apply
from .funding import funding_charge
from .guarding import protections_check
from .halts import (
    HaltIsOver,
    HaltNotAllowed,
    InvalidHalt,
    halt_end,
    halt_open,
    halt_start,
    halts_expire,
    halts_expire_by_market,
    halts_tell,
)
from .limits import AbovePlatformLimit, LimitsNotAllowed, limits_change, platform_limits_change
from .margining import LeverageNotAllowed, position_leverage_set
from .money import (
    account_lock,
    equity_snapshot,
    portfolio_create,
    portfolio_lock,
    portfolios_lock,
    positions_lock,
    positions_mark,
)
from .snapshots import portfolios_snapshot

__all__ = [
    "AbovePlatformLimit",
    "FillOutcome",
    "HaltIsOver",
    "HaltNotAllowed",
    "InvalidHalt",
    "LeverageNotAllowed",
    "LimitsNotAllowed",
    "account_lock",
    "equity_snapshot",
    "fill_apply",
    "funding_charge",
    "halt_end",
    "halt_open",
    "halt_start",
    "halts_expire",
    "halts_expire_by_market",
    "halts_tell",
    "limits_change",
    "platform_limits_change",
    "portfolio_create",
    "portfolio_lock",
    "portfolios_lock",
    "portfolios_snapshot",
    "position_leverage_set",
    "positions_lock",
    "positions_mark",
    "protections_check",
]
