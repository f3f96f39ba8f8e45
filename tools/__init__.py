"""The small programs behind the Makefile. Those of the set-up run before anything is installed."""
