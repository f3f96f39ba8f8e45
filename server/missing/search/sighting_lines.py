"""Sightings as lines of the search: where a person saw the child, and where they looked in vain."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from server.audit.actions import SYSTEM, Actor
from server.missing.search.entry_kinds import SIGN_OF_LIFE, Act
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.timeline import NewEntry, append_all
from server.people.models import Person
from server.watch.models import Sighting


async def carry_sightings(episode: Episode, since: datetime, most: int, now: datetime) -> None:
    """Put into a search that begins what people saw since then; of more than `most` sightings, the
    latest. In the caller's transaction."""
    held = Sighting.filter(child_id=episode.child_id, at__gte=since, at__lte=now)
    rows = list(reversed(await held.order_by("-at", "-id").limit(most)))
    await _looked_for(episode, [row for row in rows if row.answer != "seen"], now)
    seen = [
        (SYSTEM, NewEntry(SIGN_OF_LIFE, row.at, about=row.id))
        for row in rows
        if row.answer == "seen"
    ]
    if seen:
        await append_all(episode, SIGN_OF_LIFE, seen, now)


async def looked_in_vain(episode: Episode, sighting_id: UUID, now: datetime) -> bool:
    """Add the line of a person who could not find the child, once; returns whether it is new. It
    moves no clock: it does not say what else they tried."""
    if await TimelineEntry.exists(episode_id=episode.id, about_id=sighting_id):
        return False
    await _looked_for(episode, [await Sighting.get(id=sighting_id)], now)
    return True


async def _looked_for(episode: Episode, rows: Sequence[Sighting], now: datetime) -> None:
    agencies = dict(
        await Person.filter(id__in=list({row.by_id for row in rows})).values_list("id", "agency_id")
    )
    lines = [
        (Actor(row.by_id, row.by_role, agencies.get(row.by_id)), _entry(episode, row))
        for row in rows
    ]
    if lines:
        await append_all(episode, Act.ATTEMPT.value, lines, now)


def _entry(episode: Episode, row: Sighting) -> NewEntry:
    details = {"how": "visit" if row.place else "other", "result": "not_there"}
    if row.place:
        details["whom"] = row.place
    id_ = uuid5(row.id, episode.id.hex)
    return NewEntry(Act.ATTEMPT.value, row.seen_at, row.words, details, about=row.id, id=id_)
