"""History traded in memory: the rules of the paper venue, compiled; figures, and how far they may be believed."""
