"""What stands in a text message that asks for an answer."""
