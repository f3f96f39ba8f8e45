"""Encryption and keys."""
