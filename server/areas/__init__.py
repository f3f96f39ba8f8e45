"""Levels above the agency, such as regions and countries: counts of the agencies within them."""
