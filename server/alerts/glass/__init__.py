"""Breaking the glass: a way to a child in an emergency, for people without a tie."""
