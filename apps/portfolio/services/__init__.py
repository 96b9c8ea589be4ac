"""Everything that changes money, its limits and its halts."""

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
from .money import (
    FillOutcome,
    equity_snapshot,
    fill_apply,
    portfolio_create,
    portfolio_lock,
    positions_mark,
)

__all__ = [
    "AbovePlatformLimit",
    "FillOutcome",
    "HaltIsOver",
    "HaltNotAllowed",
    "InvalidHalt",
    "LimitsNotAllowed",
    "equity_snapshot",
    "fill_apply",
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
    "positions_mark",
    "protections_check",
]
