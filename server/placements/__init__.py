"""Beginning, ending and moving a placement."""
