"""The talk between a child and their workers: who has read which message."""
