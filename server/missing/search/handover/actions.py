"""A search goes on when a shift ends: we ask the person who leaves for a note, and the next one
reads the state of the search and confirms it. No clock of the search waits for either.

Each open episode stores when we next look at the rota, and who had the search at the last look. Who
has it now is what the rota says now. So a shift planned a moment ago, a night in which the clocks
change and a time in which the server was down are all handled alike: of what was missed, we ask
only for what still matters.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import msgspec

from server.alerts.actions import take_search
from server.audit.actions import SYSTEM, Actor
from server.audit.repeats import first_made
from server.errors import NotFound, Refused
from server.i18n import N_
from server.missing.search import entry_kinds
from server.missing.search.actions import locked
from server.missing.search.clocks.actions import clocks_of
from server.missing.search.entry_kinds import Act
from server.missing.search.handover.ends import IN, OUT, drop, noted, read
from server.missing.search.models import Episode, SearchHandover, TimelineEntry
from server.missing.search.opening import TOPIC
from server.missing.search.timeline import NewEntry, append
from server.people.models import Child, Person
from server.rota.calendar import Shift, duty_shifts_between
from server.rota.duty import INSTANT, rotas_of
from server.storage.db import write
from server.storage.due_rows import DueRows
from server.tasks import actions as dues
from server.tasks.rules import Kind, Setting
from server.web.live import announce

# A rota may change at any time, so we look at it again after this long.
LOOK_EVERY = timedelta(minutes=1)
# The person who comes has this long to read the state before we tell others that they have not.
READ_WITHIN = timedelta(minutes=15)
ON_DUTY = "duty"  # The owner of these dues: it names a place on the rota, not a tie.


class _Change(msgspec.Struct, frozen=True):
    """Who has the search, who is about to leave it or has just left it, and who has come."""

    there: frozenset[UUID]
    leaving: frozenset[tuple[UUID, datetime]]
    coming: frozenset[tuple[UUID, datetime]]


async def _go_on(episodes: Sequence[Episode], now: datetime) -> None:
    """Look at the rota for each of these searches."""
    for episode in episodes:
        await _look(episode, now)


# The person who has a search may change at any time, so each look says when the next one is.
SEARCHES = DueRows("handover", Episode, _go_on, at_once=50, columns=("hand_at",))


async def _look(episode: Episode, now: datetime) -> None:
    """Ask and drop people for one search. The caller's transaction has locked the row."""
    clocks, _ = await clocks_of(episode.agency_id, episode.clocks_version)
    since, until = min(episode.shift_at or now, now), now + clocks.handover + INSTANT
    rota = (await rotas_of([episode.agency_id], since, until))[episode.agency_id]
    before = None if episode.on_shift is None else {UUID(id_) for id_ in episode.on_shift}
    change = _change(duty_shifts_between(rota, since, until), before, now, until)
    held = await SearchHandover.filter(episode_id=episode.id, done_at__isnull=True, dropped_at=None)
    await drop(
        SYSTEM, [passing for passing in held if _is_stale(passing, change, now)], "replaced", now
    )
    child = await Child.get(id=episode.child_id)
    for part, people in ((OUT, change.leaving), (IN, change.coming)):
        for person_id, at in sorted(people):
            await _ask(child, episode, part, person_id, at, now)
    await Episode.filter(id=episode.id).update(
        hand_at=now + LOOK_EVERY,
        shift_at=now,
        on_shift=sorted(str(id_) for id_ in change.there),
    )


def _change(
    shifts: Sequence[Shift], before: Collection[UUID] | None, now: datetime, until: datetime
) -> _Change:
    """`before` is None at the first look: the alert has called those who have the search then."""
    running = {shift.who: shift for shift in shifts if shift.begin <= now < shift.end}
    leaving = {(who, shift.end) for who, shift in running.items() if shift.end < until}
    # A shift that was cut short, or ended while no one looked.
    ended = {shift.who: shift.end for shift in shifts if shift.end <= now}
    leaving |= {(who, ended.get(who, now)) for who in before or () if who not in running}
    coming = {(who, shift.begin) for who, shift in running.items() if who not in (before or ())}
    return _Change(
        frozenset(running),
        frozenset(leaving),
        frozenset() if before is None else frozenset(coming),
    )


def _is_stale(passing: SearchHandover, change: _Change, now: datetime) -> bool:
    """Whether this request no longer applies: the shift does not end then after all, or the person
    who came is gone while others have the search. Where no one has it, we go on asking those who
    had it last."""
    if passing.part == OUT:
        return passing.at > now and (passing.person_id, passing.at) not in change.leaving
    return bool(change.there) and passing.person_id not in change.there


async def _ask(
    child: Child, episode: Episode, part: str, person_id: UUID, at: datetime, now: datetime
) -> None:
    id_ = uuid5(episode.id, f"{part}:{person_id}:{at.isoformat()}")
    existing = await SearchHandover.get_or_none(id=id_)
    if existing is None:
        await SearchHandover.create(
            id=id_,
            agency_id=episode.agency_id,
            episode_id=episode.id,
            person_id=person_id,
            part=part,
            at=at,
            made_at=now,
        )
    elif existing.dropped_at is None:
        return
    # Taken out of the rota and put back: we ask them again.
    await SearchHandover.filter(id=id_).update(dropped_at=None)
    setting = Setting(
        kind=Kind.HANDOVER if part == OUT else Kind.HANDOVER_READ,
        subject_id=id_,
        owner_id=person_id,
        owner_role=ON_DUTY,
        due_at=at if part == OUT else max(at, now) + READ_WITHIN,
        zone=(await Person.get(id=person_id)).zone,
    )
    await dues.settle_and_set(SYSTEM, child, [], [setting], now)
    await announce(episode.agency_id, TOPIC)


# --- what people say


async def write_note(
    actor: Actor, passing_id: UUID, id: UUID, words: str | None, now: datetime
) -> TimelineEntry:
    """Record the note for the next person, from one who had the search, even after their shift. The
    same id again is the same note. Raises NotFound for everyone else, Refused without words."""
    if not words:
        raise Refused(N_("Say in a few words why, or what was said."), field="words")
    async with write():
        row, episode = await _part_of(actor, passing_id, OUT)
        whose = {"episode_id": episode.id, "what": Act.HANDOVER.value}
        existing = await first_made(TimelineEntry, id, words, **whose)
        if existing is not None:
            return existing
        names = await _who_comes(episode, row.at)
        details = {"who": names[: entry_kinds.LONGEST]} if names else {}
        line = await append(
            actor,
            episode,
            NewEntry(Act.HANDOVER.value, now, words=words, details=details, id=id),
            now,
        )
        await noted(actor, episode.id, line.id, now)
        await announce(episode.agency_id, TOPIC)
    return line


async def confirm(actor: Actor, passing_id: UUID, now: datetime) -> TimelineEntry:
    """Record that the person who has the search now has read its state. Twice counts once. Raises
    NotFound for others."""
    async with write():
        row, episode = await _part_of(actor, passing_id, IN)
        existing = await TimelineEntry.get_or_none(episode_id=episode.id, about_id=row.id)
        if existing is not None:
            return existing
        line = await append(
            actor, episode, NewEntry(entry_kinds.HANDOVER_READ, now, about=row.id), now
        )
        await read(actor, row, line.id, now)
        if episode.is_open:
            await take_search(actor, episode.child_id, now)
        await announce(episode.agency_id, TOPIC)
    return line


async def _part_of(actor: Actor, passing_id: UUID, part: str) -> tuple[SearchHandover, Episode]:
    row = await SearchHandover.get_or_none(id=passing_id, person_id=actor.id, part=part)
    if row is None:
        raise NotFound(N_("This does not exist, or you do not have access to it."))
    episode = await locked(row.episode_id)
    # The tick locks this row too, before it changes whose part is open.
    await Episode.filter(id=episode.id).select_for_update().first()
    return await SearchHandover.get(id=passing_id), episode


async def _who_comes(episode: Episode, at: datetime) -> str:
    """The names of those who have the search from then on."""
    rota = (await rotas_of([episode.agency_id], at, at + INSTANT))[episode.agency_id]
    ids = {shift.who for shift in duty_shifts_between(rota, at, at + INSTANT)}
    people = await Person.filter(id__in=list(ids))
    return ", ".join(sorted(person.name for person in people))
