"""Whether a backup is whole and can be read: every row as it was, every sealed value opened.

`backup` checks its new file in this way before it reports success, and `restore` before it writes
anything.
"""

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

import msgspec
from tortoise.models import Model

from server.records.backup.archive import FORMAT, Archive, Manifest, TableEntry
from server.security import encryption
from server.security.encryption import Keyring, Sealed, Unreadable
from server.storage.db import models
from server.storage.engines.copying import CopyFault, Row
from server.storage.engines.migrate import BEFORE_0_1, known_migrations

# Reports how many rows are done, and of which part.
Told = Callable[[int, str], None]


class Unopened(CopyFault):
    """The file is whole, but something sealed in it cannot be opened."""


class Opened(msgspec.Struct):
    """What could be opened, and what could not."""

    values: int = 0
    unreadable: int = 0
    first: str = ""
    """Where the first unreadable value is, and why it cannot be opened."""

    def __str__(self) -> str:
        return (
            f"{self.unreadable:,} of {self.values:,} sealed values cannot be opened;"
            f" the first is {self.first}"
        )


def check(
    archive: Archive,
    keyring: Keyring,
    told: Told,
    *,
    with_unreadable: bool = False,
    migrations: str = "migrations",
) -> Opened:
    """Whether the file is whole, fits this version, and every sealed value in it can be opened.

    Raises CopyFault with one sentence that says what is wrong; Unopened where it is only that some
    sealed values cannot be opened, unless `with_unreadable`.
    """
    _check_version(archive.manifest, known_migrations(migrations))
    return verify(archive, keyring, told, with_unreadable=with_unreadable)


def verify(
    archive: Archive, keyring: Keyring, told: Told, *, with_unreadable: bool = False
) -> Opened:
    """The same for a file of any version, such as one that was written just now."""
    _check_keys(archive.manifest, keyring, with_unreadable=with_unreadable)
    if not archive.is_signed():
        raise CopyFault("The backup was changed: its manifest is not as we signed it.")
    opened, done = Opened(), 0
    for entry in archive.manifest.tables:
        opening = _Opening(entry, keyring, opened)
        for rows in archive.rows(entry):
            for row in rows:
                opening.open(row)
            done += len(rows)
            told(done, "rows checked")
    if opened.unreadable and not with_unreadable:
        raise Unopened(f"{opened}.")
    return opened


def _check_version(manifest: Manifest, migrations: list[str]) -> None:
    if manifest.format != FORMAT:
        raise CopyFault(f"The backup has format {manifest.format}; this version reads {FORMAT}.")
    if BEFORE_0_1 in manifest.migrations:
        raise CopyFault(
            "This backup was made before version 0.1. Only the version that made it can restore it."
        )
    newer = [name for name in manifest.migrations if name not in migrations]
    if newer:
        raise CopyFault(
            f"The backup was made by a newer Waymark: it has {', '.join(newer)}. Upgrade first."
        )
    if manifest.migrations != migrations[: len(manifest.migrations)]:
        raise CopyFault("The backup has migrations in another order than this version.")


def _check_keys(manifest: Manifest, keyring: Keyring, *, with_unreadable: bool) -> None:
    keys = manifest.keys
    needed = {keys.signs, keys.index, *(() if with_unreadable else keys.seals)}
    missing = sorted(needed - {*keyring.ids})
    if missing:
        raise CopyFault(
            f"WAYMARK_SECRET_KEYS lacks the key {', '.join(missing)}, by which this backup is read"
            f" (it has {', '.join(keyring.ids)})."
        )
    if keyring.ids[-1] != keys.index:
        raise CopyFault(
            f"The last of WAYMARK_SECRET_KEYS has to be the key {keys.index}: by it people and"
            " addresses are found."
        )


@cache
def sealed_fields() -> dict[str, dict[str, Sealed]]:
    """For each table, the columns with sealed values, as the models define them."""
    columns_by_table: dict[str, dict[str, Sealed]] = {}
    for model in all_models():
        for name, field in model._meta.fields_map.items():
            if isinstance(field, Sealed):
                column = field.source_field or name
                columns_by_table.setdefault(model._meta.db_table, {})[column] = field
    return columns_by_table


def all_models() -> Iterator[type[Model]]:
    """Every model that has a table."""
    for name in models():
        for thing in vars(import_module(name)).values():
            if isinstance(thing, type) and issubclass(thing, Model) and thing.__module__ == name:
                yield thing


class _Opening:
    """Opens what is sealed in the rows of one table."""

    def __init__(self, entry: TableEntry, keyring: Keyring, opened: Opened) -> None:
        self._entry = entry
        self._keyring = keyring
        self._opened = opened
        fields = sealed_fields().get(entry.name, {})
        self._fields = [fields.get(column) for column in entry.columns]

    def open(self, row: Row) -> None:
        for at, value in enumerate(row):
            if isinstance(value, str):
                self._open(at, value, row)

    def _open(self, at: int, value: str, row: Row) -> None:
        try:
            self._opened.values += self._open_all(self._fields[at], value)
        except Unreadable as why:
            self._opened.values += 1
            self._opened.unreadable += 1
            self._opened.first = self._opened.first or self._place(at, row, why)

    def _open_all(self, field: Sealed | None, value: str) -> int:
        """How many sealed values were opened. Raises Unreadable for the first that cannot be."""
        if field is not None:
            return field.check(self._keyring, value)
        # A column that this version does not know, such as one of an older shape.
        tokens = encryption.sealed_in(value)
        for token in tokens:
            self._keyring.open_bytes(token)
        return len(tokens)

    def _place(self, at: int, row: Row, why: Unreadable) -> str:
        columns: list[Any] = self._entry.columns
        return f"{columns[at]} of {self._entry.name}, {columns[0]} {row[0]} ({why})"
