"""Flags among staff about a child: what to ask or to look at, by when, and whose it is."""
