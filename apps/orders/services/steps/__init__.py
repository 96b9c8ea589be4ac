"""The one way in which an order changes, and what its changes do to the orders that are linked with it."""
