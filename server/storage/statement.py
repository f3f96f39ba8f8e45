"""The parameters of a statement that is put together from parts."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from server.storage.db import among, dialect


@dataclass
class Statement:
    """The parameters of one statement, numbered as they are named."""

    params: list[object] = field(default_factory=list)

    def of(self, value: object) -> str:
        """The placeholder of this value."""
        self.params.append(value)
        return f"${len(self.params)}"

    def moment(self, value: datetime) -> str:
        """The placeholder of a moment, where nothing beside it says that it is one."""
        return f"{self.of(value)}::timestamptz"

    def among(self, ids: Collection[UUID]) -> str:
        """The end of a comparison with one of these ids."""
        place = self.of(list(ids))
        return among(f"{place}::uuid[]" if dialect() == "postgres" else place)


def each(table: str, alias: str, on: str) -> str:
    """A join that looks up the rows of a table for each row before it, by an index that `on` fits.
    By its own choice a database goes through the whole table where it expects many rows."""
    if dialect() == "sqlite":
        return f"CROSS JOIN {table} AS {alias} ON {on}"
    rows = f"SELECT * FROM {table} AS {alias} WHERE {on} OFFSET 0"  # noqa: S608
    return f"CROSS JOIN LATERAL ({rows}) AS {alias}"
