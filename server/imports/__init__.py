"""Children from a list."""
