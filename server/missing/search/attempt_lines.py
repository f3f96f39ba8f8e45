"""What was tried and seen about an alert, as lines of the search: each once, with who and when."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from tortoise.expressions import Q

from server.alerts.attempt_rules import Way
from server.alerts.models import Alert, Attempt
from server.audit.actions import SYSTEM, Actor
from server.missing.search.entry_kinds import SIGN_OF_LIFE, Act
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.timeline import NewEntry, append_all
from server.people.models import Person
from server.storage.db import as_moment
from server.watch.models import Sighting

# A search must begin at once, however much was tried. What is older stays with its alert.
MOST_CARRIED = 200
_HOW = {Way.CALL: "call", Way.TEXT: "message", Way.VISIT: "visit"}


async def carry_over(episode: Episode, now: datetime) -> None:
    """Put what was tried and seen so far into a search that begins: about alerts that are open, and
    about the one that this search takes the place of. Of more than `MOST_CARRIED` attempts or
    sightings, the latest. In the caller's transaction."""
    is_open = Q(closed_at__isnull=True) | Q(closed_at__gte=now)
    held = Alert.filter(is_open, child_id=episode.child_id)
    alerts = dict(await held.values_list("id", "opened_at"))
    tried = Attempt.filter(alert_id__in=list(alerts)).order_by("-at", "-id").limit(MOST_CARRIED)
    await carry(episode, list(reversed(await tried)), now)
    if alerts:
        await _carry_sightings(episode, as_moment(min(alerts.values())), now)


async def carry(
    episode: Episode, attempts: Sequence[Attempt], now: datetime
) -> list[TimelineEntry]:
    """Add each attempt as a line under its own id, unless a search for the child has it already.
    Where a line about something else was given this id, under another one: it must not get lost.
    Returns the new lines."""
    ids = {attempt.id: _other_id(attempt) for attempt in attempts}
    held = TimelineEntry.filter(id__in=[*ids, *ids.values()])
    lines = {line.id: line for line in await held}
    people = await _people({attempt.who_id for attempt in attempts})
    new = []
    for attempt in attempts:
        id_ = attempt.id
        if id_ in lines and not _is_of(lines[id_], attempt):
            id_ = ids[id_]
        if id_ not in lines:
            new.append((people[attempt.who_id], _entry(attempt, id_)))
    return await append_all(episode, Act.ATTEMPT.value, new, now) if new else []


def _other_id(attempt: Attempt) -> UUID:
    return uuid5(attempt.id, attempt.child_id.hex)


def _entry(attempt: Attempt, id_: UUID) -> NewEntry:
    details = {
        "how": _HOW[Way(attempt.way)],
        "target": attempt.target,
        "result": attempt.result,
    }
    return NewEntry(Act.ATTEMPT.value, attempt.at, attempt.words, details, id=id_)


def _is_of(line: TimelineEntry, attempt: Attempt) -> bool:
    is_attempt = line.what == Act.ATTEMPT and line.child_id == attempt.child_id
    return is_attempt and line.who_id == attempt.who_id


async def _people(ids: Collection[UUID]) -> dict[UUID, Actor]:
    return {
        person.id: Actor(id=person.id, role=person.role.value, agency_id=person.agency_id)
        for person in await Person.filter(id__in=list(ids))
    }


# --- sightings


async def _carry_sightings(episode: Episode, since: datetime, now: datetime) -> None:
    held = Sighting.filter(child_id=episode.child_id, at__gte=since, at__lte=now)
    rows = list(reversed(await held.order_by("-at", "-id").limit(MOST_CARRIED)))
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
        (Actor(row.by_id, row.by_role, agencies.get(row.by_id)), _looked(episode, row))
        for row in rows
    ]
    if lines:
        await append_all(episode, Act.ATTEMPT.value, lines, now)


def _looked(episode: Episode, row: Sighting) -> NewEntry:
    details = {"how": "visit" if row.place else "other", "result": "not_there"}
    if row.place:
        details["whom"] = row.place
    id_ = uuid5(row.id, episode.id.hex)
    return NewEntry(Act.ATTEMPT.value, row.seen_at, row.words, details, about=row.id, id=id_)
