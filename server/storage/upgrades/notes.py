"""What the table of applied migrations says of each, beside its name.

`lives_with`: the oldest version whose code goes on over the database after this migration. Code
that meets a migration which it does not know reads it, and starts or refuses.
`to_build`: indexes that are still to be built or dropped, which happens while everyone works.

Both columns are added with the first migration that has something to say; older code, which does
not know them, never sees them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence

from tortoise.backends.base.client import BaseDBAsyncClient

from server import VERSION

TABLE = "tortoise_migrations"
COLUMNS = ("lives_with", "to_build")


def parsed(version: str) -> tuple[int, ...]:
    """`0.10.2` as numbers, which compare as versions do."""
    return tuple(int(part) for part in version.split("."))


def too_new(lives_with: Mapping[str, str | None], version: str = VERSION) -> list[str]:
    """The names of those migrations that code of this version cannot live with."""
    return sorted(
        name
        for name, oldest in lives_with.items()
        if oldest is None or parsed(oldest) > parsed(version)
    )


async def _columns(client: BaseDBAsyncClient) -> set[str]:
    if client.capabilities.dialect == "sqlite":
        rows = await client.execute_query_dict(f"SELECT name FROM pragma_table_info('{TABLE}')")  # noqa: S608
    else:
        rows = await client.execute_query_dict(
            "SELECT attname AS name FROM pg_attribute"
            " WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
            [TABLE],
        )
    return {row["name"] for row in rows}


async def add_columns(client: BaseDBAsyncClient) -> None:
    """Make room for the notes; nothing happens where there is."""
    there = await _columns(client)
    for column in COLUMNS:
        if column not in there:
            await client.execute_query(f"ALTER TABLE {TABLE} ADD COLUMN {column} TEXT")


async def lives_with_of(client: BaseDBAsyncClient, names: Iterable[str]) -> dict[str, str | None]:
    """Of each of these migrations the oldest version that lives with it; None where none does."""
    if "lives_with" not in await _columns(client):
        return dict.fromkeys(names)
    rows = await client.execute_query_dict(f"SELECT name, lives_with FROM {TABLE}")  # noqa: S608
    noted = {row["name"]: row["lives_with"] for row in rows}
    return {name: noted.get(name) for name in names}


async def note(
    client: BaseDBAsyncClient, name: str, *, lives_with: str | None, to_build: Sequence[str]
) -> None:
    """Write down what there is to say of a migration that was applied in this transaction."""
    mark = ("?", "?", "?") if client.capabilities.dialect == "sqlite" else ("$1", "$2", "$3")
    await client.execute_query(
        f"UPDATE {TABLE} SET lives_with = {mark[0]}, to_build = {mark[1]} WHERE name = {mark[2]}",  # noqa: S608
        [lives_with, json.dumps(to_build) if to_build else None, name],
    )


async def still_to_build(client: BaseDBAsyncClient) -> dict[str, list[str]]:
    """The statements that are left of each migration. Only PostgreSQL leaves any."""
    if client.capabilities.dialect == "sqlite" or "to_build" not in await _columns(client):
        return {}
    rows = await client.execute_query_dict(
        f"SELECT name, to_build FROM {TABLE} WHERE to_build IS NOT NULL ORDER BY id"  # noqa: S608
    )
    return {row["name"]: json.loads(row["to_build"]) for row in rows}


async def nothing_left(client: BaseDBAsyncClient, name: str) -> None:
    """All that this migration had left is built."""
    await client.execute_query(f"UPDATE {TABLE} SET to_build = NULL WHERE name = $1", [name])  # noqa: S608
