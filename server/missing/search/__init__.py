"""The search for a missing child: episodes, their clocks, what is entered, who takes over."""
