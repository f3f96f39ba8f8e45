"""Several PostgreSQL servers, of which one takes writes at a time: finding it, again after a
fail-over, and noticing when it is gone."""
