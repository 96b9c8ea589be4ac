"""Strategies: where people keep their own, and how long a rule may think."""

from pathlib import Path

from .env import VAR_DIR, env, is_embedded

_named = env.str("STRATEGIES_DIR", default="")
STRATEGIES_DIR = Path(_named).resolve() if _named else VAR_DIR / "strategies" if is_embedded() else None
"""The folder of strategy files, None for none. Who may write to it may do whatever the platform may."""
STRATEGIES_CACHE = VAR_DIR / "strategy-verdicts"
"""What was found out about them, so that each is looked at once."""
STRATEGY_SECONDS = env.float("STRATEGY_SECONDS", default=5.0)
"""A live run of a rule that takes longer is interrupted, and holds; 0 for no limit."""
