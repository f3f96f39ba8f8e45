"""A child goes to another agency."""
