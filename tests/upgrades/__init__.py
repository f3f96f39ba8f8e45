"""The version before and the one to come, run as processes over one database (decision 0104)."""
