"""What has changed, and what adults noticed."""
