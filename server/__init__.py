"""Waymark: life projects, check-ins, and an early warning when a placed child falls silent."""

VERSION = "0.2.0"
"""As pyproject.toml has it. A database says which versions can live with it."""
