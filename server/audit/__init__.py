"""The record: who did what, about which child, when and why. Entries are only ever added."""
