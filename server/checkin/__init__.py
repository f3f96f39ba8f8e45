"""The child's act: an answer comes in, is kept, and settles what it settles."""
