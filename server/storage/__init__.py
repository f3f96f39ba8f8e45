"""The database: transactions, bulk statements, ids, engines."""
