"""A person leaves the agency, and what is left over: steps for others, changes sent too late."""
