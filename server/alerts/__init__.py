"""A call to adults: the ladder, who is on it, and how it ends. The ladder exists once, here."""
