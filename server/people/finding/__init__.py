"""Finding a child by name, home or reference."""
