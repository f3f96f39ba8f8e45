"""Replay, synthetic cohorts, and a trial of a policy."""
