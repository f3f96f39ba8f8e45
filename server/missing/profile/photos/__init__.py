"""Photos of the grab pack."""
