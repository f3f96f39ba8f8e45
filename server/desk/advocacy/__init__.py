"""A child at the desk of their advocate, and their advocates at the desk of the agency."""
