"""The board: who needs help now, first."""
