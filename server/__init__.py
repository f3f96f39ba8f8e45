"""Waymark: life projects, check-ins, and an early warning when a placed child falls silent."""
