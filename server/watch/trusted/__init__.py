"""People the child named."""
