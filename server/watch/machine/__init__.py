"""The state machine of a watch: what time, answers and new agreements change in it. Pure."""
