"""Upgrades without a gap: what a migration does to those who go on working beside it (0101)."""
