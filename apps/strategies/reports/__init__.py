"""A backtest's report for people: as a table, and as a page of its own."""
