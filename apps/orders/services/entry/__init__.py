"""What asks for orders: placing, lists, replacing, canceling, and what stands in their way."""
