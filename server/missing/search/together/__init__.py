"""Who is missing together."""
