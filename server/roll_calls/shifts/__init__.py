"""When a person who works in a home is on shift there."""
