"""Looking back: what may belong together, how long it took, and one child's account."""
