"""What a replay came to, in words."""
