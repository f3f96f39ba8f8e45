"""What a child chooses about messages: hours in which they wait, and the lock-screen text."""
