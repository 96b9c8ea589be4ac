"""What fills make of positions, and the orders that guard and close them."""
