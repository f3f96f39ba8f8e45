"""The clocks of a search: what starts, moves and ends them, and how an agency sets them."""
