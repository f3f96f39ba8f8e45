"""What a phone asks about its child, from several rooms."""
