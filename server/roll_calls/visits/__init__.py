"""Visits of a key worker to a flat, in place of a roll call."""
