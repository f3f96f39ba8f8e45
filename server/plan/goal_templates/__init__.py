"""What an agency offers: a goal, and steps towards it, in an area of life."""
