"""`waymark restore`: a backup back into a database of either kind, all of it or nothing."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from tortoise.backends.base.client import BaseDBAsyncClient

from server.audit.actions import verify
from server.audit.models import Seal
from server.missing.search import timeline
from server.records.backup.archive import Archive, Manifest, TableEntry
from server.records.backup.resume import go_on
from server.records.backup.verify import Opened, Told, check
from server.security.encryption import Keyring, Unreadable
from server.storage.db import close_database, dialect, fetch, open_database, tortoise_config, write
from server.storage.engines import address, copying
from server.storage.engines.copying import CopyFault
from server.storage.engines.migrate import LOCK, migrate_within
from server.storage.months import make_room_for_past

# A server writes these rows by itself, before it has any user.
_BY_ITSELF = frozenset({copying.MIGRATIONS, "beat", "blind", "signal", "rota"})
# Others may take a moment to disconnect.
_PATIENCE = 20


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Which database to fill, and whose keys will read it."""

    url: str
    keyring: Keyring
    replaces: bool  # The present content is deleted.
    now: datetime
    with_unreadable: bool = False  # Restore sealed values that cannot be opened as they are.
    migrations: str = "migrations"


async def restore(archive: Archive, where: Where, told: Told) -> Opened:
    """Check the backup, then write it into the database, in one transaction.

    Raises CopyFault for a backup that is not whole or cannot be read, for a database that is not
    empty, and for one that another program uses. Nothing has changed then.
    """
    opened = check(
        archive,
        where.keyring,
        told,
        with_unreadable=where.with_unreadable,
        migrations=where.migrations,
    )
    with copying.telling():
        await _restore(archive, where, told)
    return opened


async def _restore(archive: Archive, where: Where, told: Told) -> None:
    place = address.parse(where.url)
    if place.dialect == "sqlite" and copying.is_open_elsewhere(place.file):
        raise _in_use(f"another program has {place.file} open")
    await open_database(where.url, config=_patient(where.url))
    try:
        async with write() as client:
            await _be_alone(client)
            await _make_room(client, replaces=where.replaces)
            await _put_in(client, archive, told, where.migrations)
            await go_on(archive.manifest.made_at, where.now)
            await _check_record(archive.manifest, with_unreadable=where.with_unreadable)
    finally:
        await close_database()


def _in_use(why: str) -> CopyFault:
    return CopyFault(f"The database is in use ({why}): stop the server and the tickers first.")


def _patient(url: str) -> dict[str, Any]:
    """A connection that waits for long statements, and prepares none: tables change under it."""
    config = tortoise_config(url)
    patient = (
        # References are off to rebuild a table; they are checked before the end.
        {"foreign_keys": "OFF", "busy_timeout": 60_000}
        if address.parse(url).dialect == "sqlite"
        else {"command_timeout": None, "minsize": 1, "maxsize": 1, "statement_cache_size": 0}
    )
    config["connections"]["default"]["credentials"] |= patient
    return config


async def _be_alone(client: BaseDBAsyncClient) -> None:
    """Require that no other program is connected; a server that starts now waits in its
    migration."""
    if dialect() == "sqlite":
        return  # Checked before, and the transaction keeps other writers out.
    await fetch("SET LOCAL lock_timeout = 0")
    await fetch(f"SELECT pg_advisory_xact_lock({LOCK})")
    others = 0
    for _ in range(_PATIENCE):
        others = await copying.others_connected(client)
        if not others:
            return
        await fetch("SELECT pg_sleep(0.1)")
    raise _in_use(f"{others} connections; those that a pooler keeps open count too")


async def _make_room(client: BaseDBAsyncClient, *, replaces: bool) -> None:
    there = await copying.tables_of(client)
    if there and copying.MIGRATIONS not in there:
        raise CopyFault("The database holds tables that are not Waymark's: take one of its own.")
    for name in () if replaces else sorted({*there} - _BY_ITSELF):
        rows = await client.execute_query_dict(f'SELECT 1 AS one FROM "{name}" LIMIT 1')  # noqa: S608
        if rows:
            raise CopyFault(
                f"The database is not empty ({name} has rows). Take another one, or say --replace:"
                " what is in it is then gone for good."
            )


async def _put_in(client: BaseDBAsyncClient, archive: Archive, told: Told, migrations: str) -> None:
    manifest = archive.manifest
    if await copying.migrations_of(client) != manifest.migrations:
        # Tables of another shape: create them anew, as they were when the backup was made.
        await copying.drop_tables(client)
        await migrate_within(manifest.migrations[-1], migrations=migrations)
    there, entries = (
        await copying.tables_of(client),
        {table.name: table for table in manifest.tables},
    )
    _check_tables(entries, there)
    order = [name for name in await copying.in_order(client) if name in entries]
    # Delete the old rows, and those that a migration added: the backup has its own.
    for name in reversed(order):
        await client.execute_query(f'DELETE FROM "{name}"')  # noqa: S608 (names of the schema)
    await make_room_for_past()
    done = 0
    for name in order:
        rows = _counted(archive.rows(entries[name]), done, told)
        await copying.fill(client, entries[name].table, rows)
        done += entries[name].rows
    await copying.count_on(client)
    broken = await copying.broken_references(client)
    if broken:
        raise CopyFault(f"Rows would refer to rows that are not there: {', '.join(broken)}.")
    await migrate_within(migrations=migrations)


def _counted(
    batches: Iterable[list[copying.Row]], done: int, told: Told
) -> Iterator[list[copying.Row]]:
    for batch in batches:
        yield batch
        done += len(batch)
        told(done, "rows restored")


def _check_tables(entries: dict[str, TableEntry], there: dict[str, copying.Table]) -> None:
    ours = {name for name in there if name != copying.MIGRATIONS}
    if entries.keys() != ours:
        odd = ", ".join(sorted(entries.keys() ^ ours))
        raise CopyFault(f"The backup has other tables than its migrations make: {odd}.")
    for name, entry in entries.items():
        if {*entry.columns} != {*there[name].columns}:
            raise CopyFault(f"The backup has other columns in {name} than its migrations make.")


async def _check_record(manifest: Manifest, *, with_unreadable: bool) -> None:
    """Check that the chain of the record is intact, and ends where it ended in the backup."""
    broken = await verify() or await _broken_line(with_unreadable=with_unreadable)
    if broken is not None:
        raise CopyFault(f"The record of the backup does not hold: {broken}.")
    last = await Seal.all().order_by("-id").first()
    if (last.digest if last is not None else None) != manifest.record.head:
        raise CopyFault("The record of the backup ends elsewhere than its manifest says.")


async def _broken_line(*, with_unreadable: bool) -> str | None:
    try:
        return await timeline.verify()
    except Unreadable as why:
        # A line that cannot be read cannot be compared with its seal either.
        return None if with_unreadable else f"a line of an episode cannot be opened: {why}"
