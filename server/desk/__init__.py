"""Pages that draw several rooms."""
