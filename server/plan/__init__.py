"""The life project: two voices, one plan, nothing lost."""
