"""A roll call by SMS: numbers in place of names."""
