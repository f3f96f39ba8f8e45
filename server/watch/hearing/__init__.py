"""What is heard of a child settles their rounds: one child, or many at once."""
