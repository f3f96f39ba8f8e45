"""`waymark migrate --plan`: what an upgrade would do, what would wait for it, and for how long.

It changes nothing: it reads how many rows each table has, and times a copy and an index of some of
them in a temporary table that is gone with its transaction. How long all rows take is reckoned from
that rate.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.transactions import in_transaction

from server.clock import monotonic
from server.storage.engines import address
from server.storage.engines.migrate import connected
from server.storage.upgrades import notes
from server.storage.upgrades.effects import Effect, Work
from server.storage.upgrades.patience import LOCK_S
from server.storage.upgrades.steps import Step, steps

SAMPLE = 20_000
# Below, to read the rows of a table takes no time that anyone would notice.
FEW = 1_000
_NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
_WAITS = {
    Work.NONE: "nobody waits",
    Work.BESIDE: "nobody waits: built beside everyone, after the upgrade",
    Work.MOMENT: "everyone waits for a moment",
    Work.SCAN: "who writes waits",
    Work.COPY: "everyone waits",
    Work.DIVIDE: "everyone waits",
    Work.BY_HAND: "nobody can say who waits",
}
_LONG = """
SELECT pid, application_name AS program, state,
       extract(epoch FROM now() - xact_start)::float AS seconds
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND xact_start < now() - interval '1 second'
ORDER BY xact_start LIMIT 20
"""


@dataclass(frozen=True)
class Size:
    """A table, and how fast this machine is with its rows."""

    rows: int
    copied: float = 0.0
    """Rows a second; 0 where there are too few to measure."""
    indexed: float = 0.0

    def seconds(self, work: Work) -> float | None:
        """How long all rows take; None where it takes no time or nobody can say."""
        if not self.copied or not self.indexed:
            return None
        copied, indexed = self.rows / self.copied, self.rows / self.indexed
        takes = {
            Work.COPY: copied,
            Work.SCAN: indexed,
            Work.BESIDE: indexed,
            Work.DIVIDE: copied + indexed,
        }
        return takes.get(work)


async def plan(url: str, *, migrations: str = "migrations") -> list[str]:
    """The lines for people. Raises Unavailable where the database cannot be reached."""
    place = address.parse(url)
    if place.dialect == "sqlite" and not place.file.exists():
        return ["There is no database yet: it would be made."]
    async with connected(place):
        client = get_connection("default")
        applied = {key.name for key in await MigrationRecorder(client).applied_migrations()}
        missing = steps(migrations, without=applied)
        left = await notes.still_to_build(client)
        if not missing and not left:
            return ["Nothing is to be done: the database has all migrations of this version."]
        sizes = {
            table: await _size(client, table)
            for table in sorted(_measured(missing, place.dialect))
            if await _is_there(client, table)
        }
        lines = [line for step in missing for line in _told(step, sizes, place.dialect)]
        lines += [f"Still to build, beside everyone: {name}" for name in left]
        return [*lines, "", *_sum(missing, sizes, place.dialect), *await _in_the_way(client)]


def _measured(missing: Iterable[Step], dialect: str) -> set[str]:
    return {
        effect.table
        for step in missing
        for effect in step.effects
        if effect.work(dialect) not in (Work.NONE, Work.BY_HAND)
    }


async def _is_there(client: BaseDBAsyncClient, table: str) -> bool:
    if client.capabilities.dialect == "sqlite":
        sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?"
    else:
        sql = "SELECT relname FROM pg_class WHERE oid = to_regclass($1)"
    return bool(await client.execute_query_dict(sql, [table]))


async def _size(client: BaseDBAsyncClient, table: str) -> Size:
    (row,) = await client.execute_query_dict(f'SELECT count(*) AS many FROM "{table}"')  # noqa: S608
    rows = int(row["many"])
    if rows < FEW:
        return Size(rows)
    try:
        async with in_transaction("default") as inside:
            copied, indexed = await _timed(inside, table)
            raise _Measured(min(rows, SAMPLE) / copied, min(rows, SAMPLE) / indexed)
    except _Measured as done:
        return Size(rows, *done.rates)


class _Measured(Exception):
    """Leaves the transaction, so that nothing of it stays."""

    def __init__(self, *rates: float) -> None:
        super().__init__()
        self.rates = rates


async def _timed(client: BaseDBAsyncClient, table: str) -> tuple[float, float]:
    """How many seconds it takes to copy a sample of the rows, and to build an index over it."""
    begun = monotonic()
    await client.execute_query(
        f'CREATE TEMPORARY TABLE _measured AS SELECT * FROM "{table}" LIMIT {SAMPLE}'  # noqa: S608
    )
    copied = monotonic()
    # Every table of ours has one column at least, and the first is the key.
    key = (await _first_column(client, table)) or "id"
    await client.execute_query(f'CREATE INDEX _measured_key ON _measured ("{key}")')
    return max(copied - begun, 1e-6), max(monotonic() - copied, 1e-6)


async def _first_column(client: BaseDBAsyncClient, table: str) -> str | None:
    if client.capabilities.dialect == "sqlite":
        sql = "SELECT name FROM pragma_table_info(?) ORDER BY cid LIMIT 1"
    else:
        sql = (
            "SELECT attname AS name FROM pg_attribute"
            " WHERE attrelid = to_regclass($1) AND attnum > 0 ORDER BY attnum LIMIT 1"
        )
    rows = await client.execute_query_dict(sql, [table])
    return rows[0]["name"] if rows else None


def _told(step: Step, sizes: dict[str, Size], dialect: str) -> list[str]:
    lines = [step.name]
    for effect in step.effects:
        lines.append(f"  {effect.does}: {_waits(effect, sizes, dialect)}{_older(effect, step)}")
    return lines


def _waits(effect: Effect, sizes: dict[str, Size], dialect: str) -> str:
    work = effect.work(dialect)
    size = sizes.get(effect.table)
    if size is None or work in (Work.NONE, Work.BY_HAND):
        return _WAITS[work]
    seconds = size.seconds(work)
    if seconds is not None:
        return f"{_WAITS[work]}, about {_long(seconds)} ({size.rows:,} rows)"
    if work is Work.MOMENT or size.rows >= FEW:
        return f"{_WAITS[work]} ({size.rows:,} rows)"
    return f"{_WAITS[work]}, for a moment ({size.rows:,} rows)"


def _older(effect: Effect, step: Step) -> str:
    if effect.breaks is None:
        return ""
    if step.old_code is not None:
        return f". Older code goes on: {step.old_code}"
    if step.lives_with is not None:
        return f". Code from {step.lives_with} on goes on"
    return f". OLDER CODE DOES NOT GO ON: {effect.breaks}"


def _sum(missing: list[Step], sizes: dict[str, Size], dialect: str) -> list[str]:
    """The whole of it. It is one transaction: what it has locked it keeps to its end."""
    seconds = sum(
        sizes[effect.table].seconds(effect.work(dialect)) or 0.0
        for step in missing
        for effect in step.effects
        if effect.table in sizes and effect.work(dialect) is not Work.BESIDE
    )
    operations = sum(len(step.effects) for step in missing)
    lines = [
        f"{_NAMES[dialect]}: {len(missing)} migrations, {operations} operations in one transaction."
    ]
    if dialect == "sqlite":
        lines.append(
            f"Who writes waits until it is over: about {_long(seconds)} for the rows, and the"
            " operations themselves. Requests wait up to 10 s and then answer 503; phones and"
            " tickers try again."
        )
    else:
        lines.append(
            f"What it has locked it keeps to its end: about {_long(seconds)} for the rows, and the"
            f" operations themselves. For a lock it waits {LOCK_S} s, then it undoes all, lets"
            " others pass, and tries again."
        )
    return lines + _goes_on(missing)


def _goes_on(missing: list[Step]) -> list[str]:
    alone = [step.name for step in missing if step.lives_with is None]
    if alone:
        return [f"Stop every older process first: {', '.join(alone)} says of none that it goes on."]
    if not missing:
        return []
    oldest = max((step.lives_with or "" for step in missing), key=notes.parsed)
    return [f"Code from version {oldest} on goes on during it, and starts again after it."]


async def _in_the_way(client: BaseDBAsyncClient) -> list[str]:
    """Transactions that have been open for long, for whose end the upgrade would have to wait."""
    if client.capabilities.dialect == "sqlite":
        return []
    return [
        f"In the way: process {row['pid']} of the database ({row['program'] or 'no name'},"
        f" {row['state']}) has had a transaction open for {_long(row['seconds'])}."
        for row in await client.execute_query_dict(_LONG)
    ]


def _long(seconds: float) -> str:
    if seconds < 1:
        return "less than a second"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
