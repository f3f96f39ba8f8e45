"""The search for a missing child: episodes, their clocks, timeline entries, search handovers."""
