"""The demo agency: the cast, and its loader."""
