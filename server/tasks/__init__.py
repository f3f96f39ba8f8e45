"""Everything that has an owner and must happen by a time: one row of one table, one tick."""
