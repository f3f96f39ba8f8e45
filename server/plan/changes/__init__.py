"""Changes on their way into a life project, and the rows that they have become."""
