"""What runs the platform rather than trades on it."""
