"""What an agency itself calls "away" and "missing": words to read beside a decision, no state."""
