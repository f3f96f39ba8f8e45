"""`waymark backup`: the whole database into one file, while it is in use."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from server.crypt import Keyring
from server.engines import address
from server.engines.copying import CopyFault, Row, Snapshot, Table, snapshot, telling
from server.records.archive import FORMAT, Keys, Manifest, Record, Writer

# Says how many rows are done.
Told = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class What:
    """What is backed up, and by whose keys it will be read."""

    url: str
    keyring: Keyring
    push_key: str | None  # A fingerprint.
    made_at: datetime


async def back_up(what: What, path: Path, *, replaces: bool, told: Told) -> Manifest:
    """Write the backup; either the whole file is there at the end, or what was there before.

    Raises CopyFault where the file exists and may not be replaced, or there is no database.
    """
    with telling():
        return await _back_up(what, path, replaces=replaces, told=told)


async def _back_up(what: What, path: Path, *, replaces: bool, told: Told) -> Manifest:
    async with snapshot(what.url) as source:
        migrations = await source.migrations()
        if not migrations:
            raise CopyFault("This database holds nothing of Waymark.")
        with Writer(path, replaces=replaces) as writer:
            copied = _Copied()
            for table in await source.tables():
                await copied.copy(source, table, writer, told)
            manifest = Manifest(
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
            writer.finish(manifest)
    return manifest


class _Copied:
    """What is counted on the way."""

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
            told(self._rows)
        member.end()
        self._counts[table.name] = self._rows - before
        self.key_ids |= member.key_ids

    def _follow_chain(self, table: Table, rows: list[Row]) -> None:
        # Seals come by their number, so that the last one is the head of the chain.
        if table.name == "seal":
            last: Any = rows[-1][table.columns.index("digest")]
            self._head = last

    def record(self) -> Record:
        return Record(self._counts.get("entry", 0), self._counts.get("seal", 0), self._head)
