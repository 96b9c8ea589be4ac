"""The life of an order: placed (committed), submitted, filled, protected, canceled; and what a candle sets off."""
