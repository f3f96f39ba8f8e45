"""What a text message says that asks for an answer."""
