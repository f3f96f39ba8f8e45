"""Writing the record, and sealing it."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from uuid import UUID

import msgspec

from server.audit.models import Entry, Seal
from server.storage import bulk
from server.storage.db import write

# One batch of the chain: small, so that a seal is one short transaction.
SEAL_AT_ONCE = 500
FIRST = "0" * 64


class Actor(msgspec.Struct, frozen=True):
    """The author of a change: a person in a role, or the system."""

    id: UUID | None
    role: str
    agency_id: UUID | None
    device_id: UUID | None = None


SYSTEM = Actor(None, "system", None)


async def note(
    actor: Actor,
    what: str,
    *,
    child_id: UUID | None = None,
    about: tuple[str, UUID] | None = None,
    names: Iterable[str] = (),
    why: str | None = None,
    agency_id: UUID | None = None,
    now: datetime,
) -> None:
    """One entry, in the caller's transaction. `names` are names of fields, never values; `why` is a
    code, or words that are sealed already."""
    await Entry.create(
        at=now,
        agency_id=agency_id or actor.agency_id,
        who_id=actor.id,
        who_role=actor.role,
        what=what,
        child_id=child_id,
        about_kind=about[0] if about else "",
        about_id=about[1] if about else None,
        names=list(names),
        why=why,
    )


async def note_all(
    actor: Actor, what: str, child_ids: Sequence[UUID], *, why: str | None = None, now: datetime
) -> None:
    """The same entry about each of these children, in one statement."""
    same: dict[str, object] = {
        "at": now,
        "agency_id": actor.agency_id,
        "who_id": actor.id,
        "who_role": actor.role,
        "what": what,
        "about_kind": "",
        "names": [],
        "why": why,
    }
    await bulk.insert(Entry, [{**same, "child_id": child_id} for child_id in child_ids])


async def note_lines(
    lines: Sequence[tuple[Actor, tuple[str, UUID], str | None]],
    what: str,
    *,
    child_id: UUID,
    agency_id: UUID,
    now: datetime,
) -> None:
    """An entry about each of these things of one child: who, what it is about, and why, as `note`
    has them. In one statement."""
    rows: list[dict[str, object]] = [
        {
            "at": now,
            "agency_id": agency_id,
            "who_id": actor.id,
            "who_role": actor.role,
            "what": what,
            "child_id": child_id,
            "about_kind": about[0],
            "about_id": about[1],
            "names": [],
            "why": why,
        }
        for actor, about, why in lines
    ]
    await bulk.insert(Entry, rows)


def digest(before: str, entries: Iterable[Entry]) -> str:
    """SHA-256 over the previous seal and every field of each entry, in the order of their ids."""
    sum_ = hashlib.sha256(before.encode())
    for entry in entries:
        line = [
            entry.id,
            entry.at.isoformat(timespec="microseconds"),
            str(entry.agency_id),
            str(entry.who_id),
            entry.who_role,
            entry.what,
            str(entry.child_id),
            entry.about_kind,
            str(entry.about_id),
            entry.names,
            entry.why,
        ]
        sum_.update(json.dumps(line, ensure_ascii=False).encode())
    return sum_.hexdigest()


async def seal(now: datetime) -> int:
    """Link entries without a seal into the chain, SEAL_AT_ONCE at most; returns how many.

    Entries have the seal's id, since an entry with a lower id may be committed after one with a
    higher. Two sealers at once: the number of the seal is its key, so the second one makes none and
    finds the rest at its next turn.
    """
    async with write():
        last = await Seal.all().order_by("-id").first()
        # In the order of the index that finds them. By id, where many wait, a database goes through
        # all that were sealed before.
        waiting = Entry.filter(seal_id__isnull=True).order_by("seal_id").limit(SEAL_AT_ONCE)
        entries = sorted(await waiting, key=attrgetter("id"))
        if not entries:
            return 0
        number = last.id + 1 if last else 1
        before = last.digest if last else FIRST
        link = {
            "id": number,
            "sealed_at": now,
            "entries": len(entries),
            "before": before,
            "digest": digest(before, entries),
        }
        if not await bulk.insert(Seal, [link], skip_known=True):
            return 0
        moments = [entry.at for entry in entries]
        # The moments name the month, in which alone it is looked for.
        await Entry.filter(
            id__in=[entry.id for entry in entries], at__gte=min(moments), at__lte=max(moments)
        ).update(seal_id=number)
    return len(entries)


async def verify() -> str | None:
    """Walk the whole chain. None where it is intact; else one line that names the first broken
    link."""
    before, expected = FIRST, 1
    async for link in Seal.all().order_by("id"):
        entries = await Entry.filter(seal_id=link.id).order_by("id")
        if link.id != expected or link.before != before:
            return f"seal {expected} is missing or does not follow the one before it"
        if len(entries) != link.entries or digest(before, entries) != link.digest:
            return f"an entry under seal {link.id} was changed, added or taken away"
        before, expected = link.digest, expected + 1
    return None
