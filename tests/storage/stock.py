"""Tortoise's own engines, to prove that the tests of ours can fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from server.storage.db import close_database, connection, open_database, tortoise_config
from tests.fixtures import Database

ENGINES = {"sqlite": "tortoise.backends.sqlite", "postgres": "tortoise.backends.asyncpg"}


@asynccontextmanager
async def opened_with_stock_engine(database: Database, **credentials: Any) -> AsyncIterator[None]:
    """The database through the engine that Tortoise ships."""
    config = tortoise_config(database.url)
    default = config["connections"]["default"]
    default["engine"] = ENGINES[database.dialect]
    default["credentials"] |= credentials
    await open_database(database.url, config=config)
    try:
        yield
    finally:
        pool = getattr(connection(), "_pool", None)
        if pool is not None:
            # What it leaked never comes back, and a proper close would wait for it.
            pool.terminate()
        await close_database()
