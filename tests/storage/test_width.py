"""No statement grows with a list: neither one of the ORM's making nor one made by hand."""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path

import pytest

from server.storage.db import connection, fetch, sqlite_file, write
from server.storage.engines.parameters import to_sqlite
from server.storage.engines.raw_sqlite import RawSqlite
from server.storage.engines.width import MOST, TooWide
from server.watch.models import Beat

SERVER = Path(__file__).parents[2] / "server"
NAMES = [f"x{n}" for n in range(MOST + 1)]


def _asking_for(values: list[str]) -> str:
    places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    return f"SELECT name FROM beat WHERE name IN ({places})"  # noqa: S608


async def _by_hand(values: list[str]) -> None:
    await fetch(_asking_for(values), values)


async def _by_client(values: list[str]) -> None:
    client, sql = connection(), _asking_for(values)
    is_sqlite = client.capabilities.dialect == "sqlite"
    await client.execute_query(to_sqlite(sql) if is_sqlite else sql, values)


@pytest.mark.parametrize("ask", [_by_hand, _by_client])
async def test_a_statement_with_a_placeholder_for_each_of_many_values_is_refused(db, ask):
    await ask(NAMES[:MOST])
    with pytest.raises(TooWide, match=f"{MOST + 1} parameters"):
        await ask(NAMES)
    with pytest.raises(TooWide):
        async with write():
            await ask(NAMES)
    assert await fetch("SELECT 1 AS one") == [{"one": 1}]


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_so_is_one_on_a_connection_past_the_orm(db):
    raw = RawSqlite(sqlite_file())
    assert raw.fetch(_asking_for(NAMES[:MOST]), NAMES[:MOST]) == []
    with pytest.raises(TooWide):
        raw.fetch(_asking_for(NAMES), NAMES)
    raw.close()


async def test_many_rows_of_few_columns_are_not_wide(db, clock):
    await Beat.bulk_create([Beat(name=name, at=clock()) for name in NAMES])
    assert await Beat.all().count() == MOST + 1


async def test_what_builds_a_list_past_the_filters_is_refused(db, clock):
    beats = [Beat(name=name, at=clock()) for name in NAMES]
    await Beat.bulk_create(beats)
    with pytest.raises(TooWide):
        await Beat.bulk_update(beats, ["at"])


# As many placeholders as a table has columns (bulk: in at most eight rows), or as a statement names
# values.
BY_COLUMNS = {
    "storage/bulk.py",
    "storage/copying.py",
    "storage/engines/copying.py",
    "storage/statement.py",
}
PAST_THE_FILTERS = {"bulk_update", "isin", "notin", "ManyToManyField"}


def _grows(node: ast.AST) -> bool:
    """A placeholder with a number that is computed, or one repeated."""
    if isinstance(node, ast.JoinedStr):
        texts = [one.value if isinstance(one, ast.Constant) else None for one in node.values]
        return any(
            isinstance(text, str) and text.endswith("$") and follows is None
            for text, follows in pairwise(texts)
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return any(
            ast.unparse(one) in ("'?'", "['?']", "'?,'", "'?, '") for one in (node.left, node.right)
        )
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        return ast.unparse(node.elt) in ("'?'", "'$'")
    return False


def test_no_statement_is_made_with_a_placeholder_for_each_value():
    for path in sorted(SERVER.rglob("*.py")):
        name = str(path.relative_to(SERVER))
        for node in ast.walk(ast.parse(path.read_text())):
            assert not _grows(node) or name in BY_COLUMNS, f"{name}:{node.lineno}"
            if name != "storage/engines/lists.py" and isinstance(node, ast.Attribute):
                assert node.attr not in PAST_THE_FILTERS, f"{name}:{node.lineno} {node.attr}"


@pytest.mark.parametrize(
    "text",
    ["f'${n}'", "f'x = ${n + 1}'", "', '.join('?' for _ in ids)", "'?' * 9", "['?'] * 9"],
)
def test_the_guard_knows_such_a_statement(text):
    assert any(_grows(node) for node in ast.walk(ast.parse(text)))
