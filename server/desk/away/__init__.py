"""The children who are away: all of them, and one child's agreed absences."""
