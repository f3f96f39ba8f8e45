"""Pictures of a search: its places as linked dots, and its line of time."""
