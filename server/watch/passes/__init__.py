"""Agreed absences that last: people look at them again, and are reminded before they end."""
