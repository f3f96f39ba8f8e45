"""What a database really has, read from the database itself."""

from __future__ import annotations

import re

from server.storage.db import dialect, fetch

Columns = tuple[str, ...]
Found = tuple[Columns, bool, str]
"""Columns (or expressions), whether it is unique, and its condition ("" where there is none)."""


async def tables() -> set[str]:
    """Every table but those of the database and of the migrations themselves."""
    sql = {
        "sqlite": "SELECT name FROM sqlite_master"
        " WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        # A table by month is one table here, and its keys are the rest of its uniques.
        "postgres": "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND NOT relispartition AND relnamespace = 'public'::regnamespace"
        " AND relname NOT IN (SELECT relname || '_key' FROM pg_class WHERE relkind = 'p')",
    }[dialect()]
    return {row["name"] for row in await fetch(sql)} - {"tortoise_migrations"}


async def checks() -> dict[str, set[str]]:
    """The names of the CHECKs of each table that has any."""
    found: dict[str, set[str]] = {}
    if dialect() == "postgres":
        rows = await fetch(
            "SELECT conrelid::regclass::text AS table, conname AS name FROM pg_constraint"
            " WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND conrelid NOT IN"
            " (SELECT oid FROM pg_class WHERE relispartition)"
        )
        for row in rows:
            found.setdefault(row["table"], set()).add(row["name"])
        return found
    for row in await fetch("SELECT name, sql FROM sqlite_master WHERE type = 'table'"):
        names = set(re.findall(r'CONSTRAINT "(\w+)" CHECK', row["sql"] or ""))
        if names:
            found[row["name"]] = names
    return found


async def indexes() -> dict[str, dict[str, Found]]:
    """The indexes of each table by name, without that of the primary key."""
    found: dict[str, dict[str, Found]] = {table: {} for table in await tables()}
    if dialect() == "postgres":
        rows = await fetch(
            "SELECT c.relname AS table, i.relname AS name, x.indisunique AS is_unique,"
            " coalesce(pg_get_expr(x.indpred, x.indrelid), '') AS condition,"
            " ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, true)"
            "       FROM generate_series(1, x.indnatts) AS k ORDER BY k) AS columns"
            " FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid"
            " JOIN pg_class c ON c.oid = x.indrelid"
            " WHERE c.relnamespace = 'public'::regnamespace AND NOT x.indisprimary"
        )
        for row in rows:
            if row["table"] in found:
                condition = _bare(row["condition"])
                found[row["table"]][row["name"]] = (
                    tuple(name.strip('"') for name in row["columns"]),
                    row["is_unique"],
                    condition,
                )
        return found
    for table in found:
        for row in await fetch(f'PRAGMA index_list("{table}")'):
            if row["origin"] == "pk":
                continue
            columns = await fetch(f'PRAGMA index_info("{row["name"]}")')
            (made,) = await fetch("SELECT sql FROM sqlite_master WHERE name = $1", [row["name"]])
            condition = (made["sql"] or "").partition(" WHERE ")[2]
            found[table][row["name"]] = (
                tuple(column["name"] for column in columns),
                bool(row["unique"]),
                _bare(condition),
            )
    return found


async def columns() -> dict[str, dict[str, bool]]:
    """Of each table each column, and whether it may be null."""
    found: dict[str, dict[str, bool]] = {}
    for table in await tables():
        if dialect() == "postgres":
            rows = await fetch(
                "SELECT column_name AS name, is_nullable = 'YES' AS may FROM"
                " information_schema.columns WHERE table_schema = 'public' AND table_name = $1",
                [table],
            )
        else:
            listed = await fetch(f'PRAGMA table_info("{table}")')
            rows = [{"name": row["name"], "may": not row["notnull"]} for row in listed]
        found[table] = {row["name"]: row["may"] for row in rows}
    return found


async def references() -> set[tuple[str, str, str, str]]:
    """(table, column, table that it refers to, what happens when that row goes)."""
    if dialect() == "postgres":
        rows = await fetch(
            "SELECT conrelid::regclass::text AS table, a.attname AS column,"
            " confrelid::regclass::text AS parent,"
            " CASE confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'r' THEN 'RESTRICT'"
            "  WHEN 'n' THEN 'SET NULL' ELSE confdeltype::text END AS then"
            " FROM pg_constraint c JOIN pg_attribute a"
            "  ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
            " WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conparentid = 0"
        )
        return {(row["table"], row["column"], row["parent"], row["then"]) for row in rows}
    found = set()
    for table in await tables():
        for row in await fetch(f'PRAGMA foreign_key_list("{table}")'):
            found.add((table, row["from"], row["table"], row["on_delete"]))
    return found


def _bare(condition: str) -> str:
    """A condition without the brackets and casts that PostgreSQL adds."""
    text = re.sub(r"::[a-z ]+", "", condition)
    while text.startswith("(") and text.endswith(")") and _closes_at_the_end(text):
        text = text[1:-1]
    return text.strip()


def _closes_at_the_end(text: str) -> bool:
    depth = 0
    for place, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return place == len(text) - 1
    return False
