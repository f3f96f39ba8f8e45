"""Notify: what leaves the house, to whom, by which means, and what came of it."""
