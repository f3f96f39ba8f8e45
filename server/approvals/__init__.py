"""A second pair of eyes: what an agency lets nobody do alone, asked of a second person."""
