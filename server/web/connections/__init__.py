"""One connection of a client: its limits, and how its answers are sent."""
