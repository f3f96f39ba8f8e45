"""The parts of one child's life in a synthetic cohort."""
