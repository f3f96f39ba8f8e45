"""The end of a week in a replay: what is counted, and what follows."""
