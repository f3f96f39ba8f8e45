"""Requests and responses: what all rooms need of the web."""
