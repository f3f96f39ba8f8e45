"""Roll calls: a home says two or three times a day which of its children are there."""
