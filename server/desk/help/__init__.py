"""Help: the guides of the desk, in the reader's language."""
