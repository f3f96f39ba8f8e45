"""An agency's homes, and how their roll calls stand."""
