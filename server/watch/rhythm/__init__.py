"""What is agreed: check-in times, seasons, proposals."""
