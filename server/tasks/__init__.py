"""Whatever must happen by a time and has an owner: one row of one table, ticked in one way."""
