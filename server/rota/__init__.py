"""Duties, shifts, leave, and gaps in them."""
