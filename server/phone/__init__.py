"""What a phone asks about its own child, drawn from several rooms."""
