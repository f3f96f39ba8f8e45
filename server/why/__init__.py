"""Why there was an alert, or none: the watch over one child, minute by minute, in sentences."""
