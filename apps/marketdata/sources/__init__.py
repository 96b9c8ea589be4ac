"""Where candles come from, one file each."""
