"""Alerts: calls to adults. The ladder, the people on it, and how an alert ends. The ladder exists
once, here."""
