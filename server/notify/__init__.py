"""Notify: which messages leave the house, to whose address, by which channel, and what came of
them."""
