"""Which parameters would have done best, and whether that can be believed: search, walk-forward, deflated Sharpe."""
