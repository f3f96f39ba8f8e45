"""A search goes on when a shift ends: the note of one person for the next."""
