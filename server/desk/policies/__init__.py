"""The numbers of an agency's policy at the desk: read, changed, and tried on real events."""
