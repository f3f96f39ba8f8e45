"""What a child asks about an entry of the record, and what an adult answers."""
