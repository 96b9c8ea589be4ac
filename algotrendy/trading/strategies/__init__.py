"""The strategies: `base` is the contract, `registry` finds them, and each has a file of its own."""
