"""The reminders of a child: which go out and when, hours in which they wait, "remind me later"."""
