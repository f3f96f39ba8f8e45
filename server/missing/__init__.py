"""When a child is missing: the search, its clocks and papers, and the time after the return."""
