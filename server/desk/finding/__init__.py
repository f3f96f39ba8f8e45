"""Finding a child at the desk: the search, and the list of all children."""
