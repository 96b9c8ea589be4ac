"""What prices set off: candles traded, live and in a replay, and every price within them."""
