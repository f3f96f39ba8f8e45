"""Noticing silence: rhythms, rounds, standings, pauses, sightings, and our own downtime."""
