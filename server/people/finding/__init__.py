"""Finding a child by name, home or file reference, without opening what is sealed."""
