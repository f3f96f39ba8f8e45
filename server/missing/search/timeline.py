"""The timeline of an episode: it only grows, each line sealed over the one before it.

The seal is SHA-256 over the seal before and everything that the line says, as a person reads it and
not as it is stored, so new keys leave it untouched. The seal is also in the record, which has a
chain of its own: to change a line, one must change both.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.audit.actions import Actor, note_lines
from server.missing.search.models import Episode, TimelineEntry
from server.storage import bulk
from server.storage.ids import uuid7

FIRST = "0" * 64


class NewEntry(msgspec.Struct, frozen=True):
    """One line to add: `at` is when it happened."""

    what: str
    at: datetime
    words: str | None = None
    details: Mapping[str, Any] | None = None
    about: UUID | None = None
    id: UUID | None = None


async def append(actor: Actor, episode: Episode, entry: NewEntry, now: datetime) -> TimelineEntry:
    """Add a line. The caller's transaction has locked the child."""
    [line] = await append_all(episode, entry.what, [(actor, entry)], now)
    return line


async def append_all(
    episode: Episode, what: str, entries: Sequence[tuple[Actor, NewEntry]], now: datetime
) -> list[TimelineEntry]:
    """Add lines of one kind in this order, with the same few statements however many they are. The
    caller's transaction has locked the child."""
    last = await TimelineEntry.filter(episode_id=episode.id).order_by("-number").first()
    number, seal = (last.number, last.seal) if last else (0, FIRST)
    lines = []
    for actor, entry in entries:
        number += 1
        line = _line(actor, episode, entry, number, now)
        line.seal = seal = seal_of(seal, line)
        lines.append(line)
    names = tuple(TimelineEntry._meta.fields_db_projection)
    await bulk.insert(TimelineEntry, [{n: getattr(line, n) for n in names} for line in lines])
    await note_lines(
        [
            (actor, ("episode_line", line.id), line.seal)
            for (actor, _), line in zip(entries, lines, strict=True)
        ],
        f"episode:{what}",
        child_id=episode.child_id,
        agency_id=episode.agency_id,
        now=now,
    )
    return lines


def _line(
    actor: Actor, episode: Episode, entry: NewEntry, number: int, now: datetime
) -> TimelineEntry:
    return TimelineEntry(
        id=entry.id or uuid7(),
        agency_id=episode.agency_id,
        child_id=episode.child_id,
        episode_id=episode.id,
        number=number,
        at=entry.at,
        received_at=now,
        what=entry.what,
        who_id=actor.id,
        who_role=actor.role,
        words=entry.words,
        details=dict(entry.details or {}),
        about_id=entry.about,
    )


def seal_of(before: str, line: TimelineEntry) -> str:
    """64 hex digits over the seal before and what this line says."""
    says = [
        str(line.id),
        str(line.episode_id),
        line.number,
        _moment(line.at),
        _moment(line.received_at),
        line.what,
        str(line.who_id),
        line.who_role,
        line.words,
        line.details,
        str(line.about_id),
    ]
    text = json.dumps(says, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}{text}".encode()).hexdigest()


def _moment(at: datetime) -> str:
    return f"{at.timestamp():.6f}"


async def verify() -> str | None:
    """Check every timeline. None where all are intact; else one line that names the first broken
    one."""
    async for episode in Episode.all().order_by("opened_at", "id"):
        before = FIRST
        for number, line in enumerate(
            await TimelineEntry.filter(episode_id=episode.id).order_by("number"), start=1
        ):
            if line.number != number or line.seal != seal_of(before, line):
                return f"line {number} of episode {episode.id} was changed, added or taken away"
            before = line.seal
    return None
