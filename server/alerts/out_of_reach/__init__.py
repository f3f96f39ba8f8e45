"""Alerts about which nothing can be sent to the people who are to be called."""
