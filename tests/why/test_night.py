"""Why there was an alert, or none: a night told from its rows."""
