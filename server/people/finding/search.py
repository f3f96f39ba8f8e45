"""Looking up children in the blind index. Reads rows, and writes none."""

from uuid import UUID

from server.people.finding.actions import digests, input_of, mark
from server.people.finding.rules import Term, full_of
from server.security import encryption
from server.storage.db import among, as_id, fetch

_MOST = 20


async def is_prepared(agency_id: UUID) -> bool:
    """Whether every child of the agency is in the index. If not, a search may miss one."""
    [row] = await fetch(
        "SELECT EXISTS (SELECT 1 FROM child WHERE agency_id = $1 AND (indexed_by IS NULL"
        " OR indexed_by < $2 OR indexed_by > $2)) AS lacks",
        [agency_id, mark()],
    )
    return not row["lacks"]


async def exact(agency_id: UUID, text: str) -> list[UUID]:
    """The placed children of the agency whose whole name or file reference this is, with or without a tie:
    at most 20. Case, accents and marks between words do not matter."""
    if not (full := full_of(text)):
        return []
    names = digests(agency_id, Term("full", full))
    references = encryption.current().blinds(input_of(agency_id, Term("reference", full)))
    rows = await fetch(
        f"SELECT id FROM child WHERE agency_id = $1 AND left_at IS NULL AND (reference_index"  # noqa: S608
        f" {among('$2')} OR id IN (SELECT about_id FROM search_token WHERE digest"
        f" {among('$3')})) ORDER BY id LIMIT {_MOST}",
        [agency_id, references, names],
    )
    return [as_id(row["id"]) for row in rows]
