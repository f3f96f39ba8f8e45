"""Days that raise the watch level."""
