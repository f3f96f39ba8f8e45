"""Fill an empty database with a made-up country."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain

from server.errors import Refused
from server.people.models import Agency
from server.seeding import days, people
from server.seeding.plan import DAY, Plan, Size, plans
from server.storage.copying import Table, copy
from server.storage.db import dialect, fetch, write
from server.storage.months import make_months

Say = Callable[[int, str], None]


async def fill(size: Size, now: datetime, say: Say) -> int:
    """Write agency by agency, each in one transaction; returns how many rows that were.

    `say(rows, what)` hears how far it is. Raises Refused where anyone is in the database: this
    country never stands beside real people. One that was stopped in the middle has whole agencies,
    and is not gone on with.
    """
    if await Agency.exists():
        raise Refused("There is an agency in this database. A country is made in an empty one.")
    # Rows of a month without a partition would all go into one table, as in no real installation.
    await make_months(now - (size.days + 1) * DAY, now)
    rows = 0

    def written(many: int) -> None:
        nonlocal rows
        rows += many
        say(rows, "rows written")

    for plan in plans(size, now):
        async with write():
            for table in _tables(plan):
                await copy(table, written)
    await fetch("ANALYZE")
    return rows


def _tables(plan: Plan) -> Iterator[Table]:
    return chain(people.tables(plan), days.tables(plan))


async def sizes() -> list[tuple[str, int, int]]:
    """Table, bytes of its rows and bytes of its indexes, the largest first; the months of a table
    are counted as one. Empty on SQLite, which tells no sizes."""
    if dialect() == "sqlite":
        return []
    rows = await fetch(
        "SELECT coalesce(parent.relname, part.relname) AS name,"
        " sum(pg_table_size(part.oid))::bigint AS rows,"
        " sum(pg_indexes_size(part.oid))::bigint AS indexes FROM pg_class part"
        " LEFT JOIN pg_inherits ON inhrelid = part.oid"
        " LEFT JOIN pg_class parent ON parent.oid = inhparent"
        " WHERE part.relkind = 'r' AND part.relnamespace = 'public'::regnamespace"
        " GROUP BY 1 ORDER BY 2 DESC LIMIT 12"
    )
    return [(row["name"], row["rows"], row["indexes"]) for row in rows]
