"""`waymark backup`: the whole database into one file, while it is in use."""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from server.records.backup.archive import FORMAT, Archive, Keys, Manifest, Record, Writer
from server.records.backup.verify import Opened, Told, Unopened, verify
from server.security.encryption import Keyring
from server.storage.engines import address
from server.storage.engines.copying import CopyFault, Row, Snapshot, Table, snapshot, telling


class What(msgspec.Struct, frozen=True, kw_only=True):
    """What is backed up, and whose keys will read it."""

    url: str
    keyring: Keyring
    push_key: str | None  # A fingerprint.
    made_at: datetime


class Backup(msgspec.Struct, frozen=True):
    """What was written, and how much of it was opened to check that it can be read."""

    manifest: Manifest
    opened: Opened


async def back_up(what: What, path: Path, *, replaces: bool, told: Told) -> Backup:
    """Write the backup, and read it back: every row, every sealed value.

    At the end there is either the whole file, or what was there before. Raises CopyFault where the
    file exists and may not be replaced, where there is no database, and where the new file cannot
    be read back. If only sealed values cannot be opened, the file is kept beside, under another
    name: even with those faults it may be the best backup there is.
    """
    with telling(), Writer(path, replaces=replaces) as writer:
        manifest = await _copy(what, writer, told)
        written = writer.close(manifest)
        opened = _verify(written, what.keyring, writer, told)
        writer.place()
    return Backup(manifest, opened)


async def _copy(what: What, writer: Writer, told: Told) -> Manifest:
    async with snapshot(what.url) as source:
        migrations = await source.migrations()
        if not migrations:
            raise CopyFault("This database holds nothing of Waymark.")
        copied = _Copied()
        for table in await source.tables():
            await copied.copy(source, table, writer, told)
    return Manifest(
        format=FORMAT,
        made_at=what.made_at,
        engine=address.parse(what.url).dialect,
        migrations=migrations,
        tables=writer.entries,
        keys=Keys(
            seals=sorted(copied.key_ids),
            signs=what.keyring.ids[0],
            index=what.keyring.ids[-1],
            push=what.push_key,
        ),
        record=copied.record(),
    )


def _verify(written: Path, keyring: Keyring, writer: Writer, told: Told) -> Opened:
    try:
        with Archive(written) as archive:
            return verify(archive, keyring, told)
    except Unopened as fault:
        aside = writer.keep_aside()
        raise Unopened(
            f"There is no new backup: {str(fault).rstrip('.')}. What was written is kept as"
            f" {aside}; `waymark restore --with-unreadable` takes it. Mend that row, then back up"
            " again."
        ) from fault
    except CopyFault as fault:
        raise CopyFault(f"There is no new backup, it cannot be read back: {fault}") from fault


class _Copied:
    """What is counted while copying."""

    def __init__(self) -> None:
        self.key_ids: set[str] = set()
        self._rows = 0
        self._counts: dict[str, int] = {}
        self._head: str | None = None

    async def copy(self, source: Snapshot, table: Table, writer: Writer, told: Told) -> None:
        member = writer.begin(table)
        before = self._rows
        async for rows in source.rows(table):
            member.add(rows)
            self._rows += len(rows)
            self._follow_chain(table, rows)
            told(self._rows, "rows backed up")
        member.end()
        self._counts[table.name] = self._rows - before
        self.key_ids |= member.key_ids

    def _follow_chain(self, table: Table, rows: list[Row]) -> None:
        # Seals are ordered by number, so the last one is the head of the chain.
        if table.name == "seal":
            last: Any = rows[-1][table.columns.index("digest")]
            self._head = last

    def record(self) -> Record:
        return Record(self._counts.get("entry", 0), self._counts.get("seal", 0), self._head)
