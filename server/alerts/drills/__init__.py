"""Drills: practising an alert."""
