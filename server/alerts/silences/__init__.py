"""The alerts for silence of many children, read at once for their end."""
