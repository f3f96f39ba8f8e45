"""Parts of the statements that count check-ins in the database."""

from collections.abc import Iterable
from uuid import UUID

from server.storage.db import as_id, dialect

_EPOCH = {
    "sqlite": "CAST(strftime('%s', r.due_at) AS INTEGER)",
    "postgres": "CAST(EXTRACT(EPOCH FROM r.due_at) AS bigint)",
}


def due_epoch() -> str:
    """When the round `r` was due, in whole seconds."""
    return _EPOCH[dialect()]


def texts(codes: Iterable[str]) -> str:
    """Codes of our own, for an `IN (…)`."""
    return ", ".join(f"'{code}'" for code in codes)


def id_or_none(value: object) -> UUID | None:
    """An id from a row of `fetch`, where there may be none."""
    return None if value is None else as_id(value)
