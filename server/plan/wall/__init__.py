"""The page of the life project to hang up: what goes on it, and who decided that."""
