"""Requests and responses: the parts of the web that all rooms need."""
