"""What an alert is over the API."""
