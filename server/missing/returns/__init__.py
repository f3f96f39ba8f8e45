"""A child is back: that it was seen, and the talk afterwards."""
