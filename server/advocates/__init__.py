"""The advocate: speaks for one child alone, for a time, as long as the child wants."""
