"""The file of a backup: a zip with one text for each table, and a manifest that lists what belongs
in it. Files in, files out: no database here.

`tables/NAME.jsonl` has one row a line, as a JSON list; `manifest.json` the columns, the number of
rows and the SHA-256 of each; `signature` proves that we wrote the manifest. So a file that was cut,
changed or put together from parts is recognised before anything is written. The zip has no
password: what is in the clear in a row is in the clear in the zip.
"""

import hashlib
import os
import secrets
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Annotated, Any, Self

import msgspec

from server.security import encryption
from server.storage.engines.copying import CopyFault, Row, Table, in_batches

FORMAT = 1
# What the manifest is signed for.
BACKUP = "backup"
# A manifest only names tables: a larger file is not one.
LARGEST_MANIFEST = 4_000_000
MANIFEST, SIGNATURE = "manifest.json", "signature"


# Of a row, in bytes: a few times the largest photo. A file that unpacks to gigabytes without an end
# of line must not fill the memory before its digest shows that it was changed.
LONGEST_LINE = 64_000_000
# What the zip module raises about a file that is broken, or was changed on purpose. A RuntimeError
# is its word for a member that says it is encrypted; an OSError, for a place outside of the file.
_TORN = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    EOFError,
    ValueError,
    OSError,
    OverflowError,
    RuntimeError,
    msgspec.MsgspecError,
    struct.error,
)


class TableEntry(msgspec.Struct, forbid_unknown_fields=True):
    """What a table of a backup must match."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
    columns: list[str]
    rows: int
    sha256: str

    @property
    def table(self) -> Table:
        """The table in the form that the database code uses."""
        return Table(self.name, tuple(self.columns))


class Keys(msgspec.Struct, forbid_unknown_fields=True):
    """Names of the keys that are needed. The names reveal nothing about the keys."""

    seals: list[str]  # Each opens some of what is in the backup.
    signs: str  # The key that signed the manifest.
    index: str  # The oldest: it finds people and addresses.
    push: str | None  # A fingerprint of our key for push services.


class Record(msgspec.Struct, forbid_unknown_fields=True):
    """How far the record of who did what had come."""

    entries: int
    seals: int
    head: str | None  # The last digest of its chain.


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """What a backup contains."""

    format: int
    made_at: datetime
    engine: str
    migrations: list[str]
    tables: list[TableEntry]
    keys: Keys
    record: Record

    @property
    def rows(self) -> int:
        """The rows of all tables together."""
        return sum(entry.rows for entry in self.tables)


class Writer:
    """A backup that is being written, beside its place; `close` ends it, `place` puts it there.

    A process that is killed before that leaves a file whose name ends in `.part`; the file that was
    in the place before is still there.
    """

    def __init__(self, path: Path, *, replaces: bool) -> None:
        self._path = path
        self._replaces = replaces
        self._refuse_known()
        self._beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
        handle = os.open(self._beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "w+b")
        self._zip = zipfile.ZipFile(self._file, "w", allowZip64=True)
        self._open: IO[bytes] = BytesIO()
        self.entries: list[TableEntry] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *fault: object) -> None:
        # An unfinished zip, and a table in it, would try to end themselves when Python frees them,
        # and raise.
        with suppress(OSError):
            self._open.close()
        self._zip.fp = None
        with suppress(OSError):
            self._file.close()
        self._beside.unlink(missing_ok=True)

    def _refuse_known(self) -> None:
        if self._path.exists() and not self._path.is_file():
            raise CopyFault(f"{self._path} is no file.")
        if not self._path.parent.is_dir():
            raise CopyFault(f"There is no folder {self._path.parent}.")
        if self._path.exists() and not self._replaces:
            raise CopyFault(f"{self._path} exists already: take another name, or say --force.")

    def begin(self, table: Table) -> "_Member":
        """Begin a table; `add` its rows, then `end` it."""
        name = _named(f"tables/{table.name}.jsonl")
        self._open = self._zip.open(name, "w", force_zip64=True)
        return _Member(self, table, self._open)

    def close(self, manifest: Manifest) -> Path:
        """Close: sign, and write out to the disk; the path of the file that can be read now."""
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        self._zip.writestr(_named(MANIFEST), text)
        self._zip.writestr(_named(SIGNATURE), encryption.sign(_digest(text), BACKUP))
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._beside

    def place(self) -> None:
        """Move the closed file into its place."""
        self._refuse_known()
        if self._replaces:
            self._beside.replace(self._path)
        else:
            _link(self._beside, self._path)
        _write_out(self._path.parent)

    def keep_aside(self) -> Path:
        """Keep the closed file under another name, so that no one takes it for a backup."""
        aside = self._path.with_name(f"{self._path.name}.unverified")
        self._beside.replace(aside)
        _write_out(aside.parent)
        return aside


def _link(beside: Path, path: Path) -> None:
    """Give the file its name, unless another file has taken that name meanwhile."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise CopyFault(f"{path} exists already: take another name, or say --force.") from None
    except OSError:
        # A file system without links, such as a memory stick.
        beside.replace(path)


def _write_out(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _named(name: str) -> zipfile.ZipInfo:
    # No time in the zip: the manifest says when it was made.
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


class _Member:
    def __init__(self, writer: Writer, table: Table, inner: IO[bytes]) -> None:
        self._writer = writer
        self._table = table
        self._inner = inner
        self._sum = hashlib.sha256()
        self._rows = 0
        self.key_ids: set[str] = set()

    def add(self, rows: list[Row]) -> None:
        lines = b"".join(msgspec.json.encode([*row]) + b"\n" for row in rows)
        self.key_ids |= encryption.key_ids(lines.decode())
        self._sum.update(lines)
        self._rows += len(rows)
        self._inner.write(lines)

    def end(self) -> None:
        self._inner.close()
        entry = TableEntry(
            self._table.name, [*self._table.columns], self._rows, self._sum.hexdigest()
        )
        self._writer.entries.append(entry)


class Archive:
    """A backup that is being read. Raises CopyFault for anything that is not whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        try:
            self._zip = zipfile.ZipFile(self._file)
            self.text = self._small(MANIFEST)
            self.manifest = msgspec.json.decode(self.text, type=Manifest)
        except (msgspec.MsgspecError, RecursionError) as fault:
            self._file.close()
            raise CopyFault(f"{path} has a manifest that this version cannot read.") from fault
        except CopyFault:
            self._file.close()
            raise
        except _TORN as fault:
            self._file.close()
            raise CopyFault(f"{path} is no whole backup of Waymark.") from fault
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *fault: object) -> None:
        self._file.close()

    def _small(self, name: str) -> bytes:
        if self._zip.getinfo(name).file_size > LARGEST_MANIFEST:
            raise CopyFault(f"{self._path} is no whole backup of Waymark.")
        return self._zip.read(name)

    def is_signed(self) -> bool:
        """Whether one of our keys signed this manifest."""
        try:
            signature = self._small(SIGNATURE).decode("ascii")
            return encryption.unsign(signature, BACKUP) == _digest(self.text)
        except (encryption.Unreadable, *_TORN):
            return False

    def rows(self, entry: TableEntry) -> Iterator[list[Row]]:
        """The rows of a table, some at a time. Raises at the end of the table where the rows differ
        from those in the manifest, so the caller must not keep anything before that."""
        return in_batches(self._each(entry))

    def _each(self, entry: TableEntry) -> Iterator[Row]:
        changed = CopyFault(f"{self._path} is damaged: {entry.name} is not as it was.")
        sum_, count = hashlib.sha256(), 0
        try:
            with self._zip.open(f"tables/{entry.name}.jsonl") as inner:
                while line := inner.readline(LONGEST_LINE):
                    sum_.update(line)
                    count += 1
                    yield _read(line, entry)
        except (*_TORN, RecursionError) as fault:
            raise changed from fault
        if (count, sum_.hexdigest()) != (entry.rows, entry.sha256):
            raise changed


def _read(line: bytes, entry: TableEntry) -> list[Any]:
    row = msgspec.json.decode(line)
    if not isinstance(row, list) or len(row) != len(entry.columns):
        raise ValueError("no row of this table")
    return row
