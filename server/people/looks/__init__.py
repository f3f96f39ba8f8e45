"""Who looked at what is written about a child."""
