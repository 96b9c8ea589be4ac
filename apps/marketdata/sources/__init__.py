"""Where candles come from: files that are imported, and feeds that arrive."""
