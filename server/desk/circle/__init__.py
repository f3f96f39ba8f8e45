"""The people around a child as a picture: who acts first, who else is there, and who is missing."""
