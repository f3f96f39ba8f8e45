"""Witnesses: a school, a club or a mentor says on agreed days whether a child came."""
