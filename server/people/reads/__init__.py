"""Who of the child's workers has read what the child wrote."""
