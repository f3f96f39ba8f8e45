"""A child is back: a person has seen them, and the return interview follows."""
