"""The grab pack: what is prepared with the child, its seal, its paper, and to whom it went."""
