"""All rows of an open database, to be put into another one: quicker than making them anew.

rows = await dump()
await restore(rows)        into an empty database of the same kind, after the same migrations
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from server.storage.db import connection, dialect, fetch, sqlite_file, write
from server.storage.engines.width import MOST


class Rows(dict[str, list[dict[str, Any]]]):
    """By table. Once restored into PostgreSQL, also as one text of statements."""

    script: str | None = None


_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    # A table by month is one table here; its keys are rows as well, since no trigger runs below.
    "postgres": "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p')"
    " AND NOT relispartition AND relnamespace = 'public'::regnamespace",
}
# For this transaction alone: rows come table by table, and may name rows that come later.
_ANY_ORDER = "SET LOCAL session_replication_role = replica"


async def dump() -> Rows:
    """Every row of every table, but the list of migrations."""
    tables = [row["name"] for row in await fetch(_TABLES[dialect()])]
    wanted = sorted(name for name in tables if "migration" not in name)
    found = {name: await fetch(f'SELECT * FROM "{name}"') for name in wanted}  # noqa: S608
    return Rows({name: rows for name, rows in found.items() if rows})


async def restore(rows: Rows) -> None:
    """Put the rows in, all or none."""
    if dialect() == "sqlite":
        return _restore_file(rows)
    if rows.script is not None:
        # One way to the server and back instead of thirty.
        return await connection().execute_script(rows.script)
    async with write():
        await fetch(_ANY_ORDER)
        for table, those in rows.items():
            # As many as one statement may have parameters (server/storage/engines/width.py).
            for some in batched(those, MOST // len(those[0])):
                await _insert(table, some)
            await _number_on(table, those)
        rows.script = "\n".join(["BEGIN;", f"{_ANY_ORDER};", *await _statements(rows), "COMMIT;"])


async def _statements(rows: Rows) -> list[str]:
    """The rows that are in the database now, as PostgreSQL itself writes them."""
    statements = []
    for table, those in rows.items():
        names = ", ".join(f'"{column}"' for column in those[0])
        texts = ", ".join(f'quote_nullable("{column}"::text)' for column in those[0])
        one = f"'(' || concat_ws(', ', {texts}) || ')'"
        sql = f"""SELECT string_agg({one}, ', ') AS them FROM "{table}" """  # noqa: S608
        them = (await fetch(sql))[0]["them"]
        statements.append(f'INSERT INTO "{table}" ({names}) VALUES {them};')  # noqa: S608
        if isinstance(those[0].get("id"), int):
            number = f"pg_get_serial_sequence('{table}', 'id')"
            statements.append(f'SELECT setval({number}, max(id)) FROM "{table}";')  # noqa: S608
    return statements


def _restore_file(rows: Rows) -> None:
    # Past the ORM, whose connection has a thread of its own: to change threads for each statement
    # takes longer than the statements. SQLite checks no foreign keys unless it is told to.
    with closing(sqlite3.connect(sqlite_file(), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for table, those in rows.items():
            names = ", ".join(f'"{column}"' for column in those[0])
            places = ", ".join("?" * len(those[0]))
            sql = f'INSERT INTO "{table}" ({names}) VALUES ({places})'  # noqa: S608
            connection.executemany(sql, [[*row.values()] for row in those])
        connection.execute("COMMIT")


def batched(rows: list[dict[str, Any]], most: int) -> Iterator[list[dict[str, Any]]]:
    """The rows in lists of so many."""
    for start in range(0, len(rows), most):
        yield rows[start : start + most]


async def _insert(table: str, rows: list[dict[str, Any]]) -> None:
    columns = list(rows[0])
    numbers = iter(range(1, len(rows) * len(columns) + 1))
    places = ", ".join("(" + ", ".join(f"${next(numbers)}" for _ in columns) + ")" for _ in rows)
    names = ", ".join(f'"{column}"' for column in columns)
    values = [row[column] for row in rows for column in columns]
    await fetch(f'INSERT INTO "{table}" ({names}) VALUES {places}', values)  # noqa: S608


async def _number_on(table: str, rows: list[dict[str, Any]]) -> None:
    """The next row gets the next number."""
    if isinstance(rows[0].get("id"), int):
        highest = max(row["id"] for row in rows)
        sql = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), $1::bigint)"
        await fetch(sql, [highest])
