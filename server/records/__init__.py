"""The whole of what is kept: backup and restore, and a child that moves to another agency."""
