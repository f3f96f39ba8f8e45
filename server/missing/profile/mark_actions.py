"""The marks of a grab pack: written with each version, in its transaction."""

from collections.abc import Mapping
from uuid import UUID

from server.missing.profile.fields import Part
from server.missing.profile.marks import Same, marks_of
from server.missing.profile.models import GrabPack, PackMark
from server.people.models import Child
from server.people.ties import lock_children
from server.security import encryption
from server.storage import bulk
from server.storage.db import as_id, fetch, write
from server.storage.ids import uuid7

VERSION = "version"


async def put(child: Child, version: int, fields: Mapping[str, str]) -> None:
    """Replace the marks of the version before with those of this one. The caller has locked the
    child."""
    rows: list[dict[str, object]] = [_row(child, "*", VERSION, str(version))]
    rows += [
        _row(child, mark.field, mark.what.value, _blind(child.agency_id, mark.what, mark.text))
        for mark in sorted(marks_of(fields))
    ]
    await PackMark.filter(child_id=child.id).delete()
    await bulk.insert(PackMark, rows)


def _row(child: Child, field: str, what: str, mark: str) -> dict[str, object]:
    return {
        "id": uuid7(),
        "agency_id": child.agency_id,
        "child_id": child.id,
        "field": field,
        "what": what,
        "mark": mark,
    }


def _blind(agency_id: UUID, what: Same, text: str) -> str:
    # The agency is part of the hash: rows of two agencies never match, even for a reader of the
    # table.
    return encryption.blind(f"pack mark:{agency_id}:{what.value}:{text}")


_UNMARKED = """
SELECT DISTINCT child_id FROM grab_pack
WHERE part = 'before' AND NOT EXISTS (
    SELECT 1 FROM pack_mark
    WHERE pack_mark.child_id = grab_pack.child_id AND pack_mark.what = 'version'
)
LIMIT 100
"""


async def fill() -> int:
    """Mark the packs from before marks existed; returns how many. A second run does nothing."""
    done = 0
    while rows := await fetch(_UNMARKED, []):
        for row in rows:
            await _fill_one(as_id(row["child_id"]))
        done += len(rows)
    return done


async def _fill_one(child_id: UUID) -> None:
    async with write():
        await lock_children([child_id])
        held = GrabPack.filter(child_id=child_id, part=Part.BEFORE.value)
        row = await held.order_by("-version").first()
        if row is not None:
            await put(await Child.get(id=child_id), row.version, row.said)
