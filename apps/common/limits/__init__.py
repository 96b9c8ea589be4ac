"""Rate limits: how many calls a caller has in a stretch of time, counted in Redis for all processes at once."""
