"""Drills: an alert that is only practised."""
