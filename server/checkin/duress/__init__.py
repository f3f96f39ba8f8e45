"""The agreed sign: it says that the child is not free to answer."""
