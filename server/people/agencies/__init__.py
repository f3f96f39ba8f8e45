"""The agency itself: its settings, its homes, and which agency a child is with."""
