"""The grab pack: what adults and the child prepare, its seal, its paper, and who received it."""
