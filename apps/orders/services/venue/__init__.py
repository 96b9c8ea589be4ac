"""What is told to venues and asked of them."""
