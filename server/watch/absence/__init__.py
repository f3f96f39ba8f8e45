"""A child asks to be away, and a worker answers."""
