"""The cast, for every test that asks for it."""

from tests.cast import app, cast, passwords, settings

__all__ = ["app", "cast", "passwords", "settings"]
