"""The worlds of docs/frontier.md: measured, drawn and told.

`python -m tools.frontier measure` replays policies/weighed.toml in each world and adds the figures
up in docs/pictures/worlds.jsonl; `python -m tools.frontier draw` makes the pictures and the tables.
"""
