"""Signals that become orders: of strategies, of people who approve them, of alerts from elsewhere."""
