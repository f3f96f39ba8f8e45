"""The agreed sign that an answer is not free."""
