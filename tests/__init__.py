"""The tests. They start what they need: `make test` asks for no database and no browser service."""
