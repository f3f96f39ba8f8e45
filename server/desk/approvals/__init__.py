"""Requests to a second person, as people read and answer them."""
