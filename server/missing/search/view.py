"""An episode for one reader: its clocks with their owners, and its timeline."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec

from server.missing.search import entry_kinds
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.signs_of_life import Sign, moment_of, signs_of
from server.people.models import Person
from server.people.rules import IN_NEED, Role
from server.roll_calls.said import SaidOnce, last_words
from server.tasks.models import Task
from server.tasks.reach import reach_of
from server.tasks.rules import OF_AN_EPISODE, Kind, State, To

# What a home said so long before a search is about these days.
_BEFORE = timedelta(days=1)


class Who(msgspec.Struct, frozen=True):
    """The person who made an entry; None as a name: Waymark itself, or a person of another
    agency."""

    id: UUID | None
    name: str | None
    role: str


class Running(msgspec.Struct, frozen=True):
    """A clock that runs: what, by when, which role it belongs to, and who that is now."""

    what: Kind
    due_at: datetime
    is_over: bool
    role: str
    people: tuple[Person, ...]


class Told(msgspec.Struct, frozen=True):
    """One line of the timeline. Words are left out where the reader may not have them."""

    id: UUID
    at: datetime
    received_at: datetime
    what: str
    who: Who
    words: str | None
    details: dict[str, Any]
    about_id: UUID | None


class View(msgspec.Struct, frozen=True):
    """The whole of one episode."""

    episode: Episode
    clocks: tuple[Running, ...]
    timeline: tuple[Told, ...]
    reader: "Reader"
    home: SaidOnce | None = None  # What the home said last, since shortly before the search.


class Reader:
    """How much a person reads: everything, what they entered themselves (a carer), or what happened
    without other people's words (the child, and any stranger with their phone)."""

    def __init__(self, roles: Collection[Role], person_id: UUID) -> None:
        self.person_id = person_id
        self.is_child = Role.CHILD in roles
        self.reads_all = not self.is_child and bool(
            set(roles) & {Role.CASEWORKER, Role.SUPERVISOR, Role.GUARDIAN, *IN_NEED}
        )

    def lines(self, lines: Sequence[TimelineEntry]) -> list[TimelineEntry]:
        """The lines that this reader sees."""
        if self.reads_all or self.is_child:
            return list(lines)
        return [line for line in lines if line.who_id == self.person_id]

    def reads_words(self, line: TimelineEntry) -> bool:
        """Whether this reader may read the words and details of this line."""
        return self.reads_all or line.who_id == self.person_id


async def others_in(episodes: Sequence[Episode]) -> set[UUID]:
    """The other children that these timelines name."""
    ids = [episode.id for episode in episodes]
    lines = await TimelineEntry.filter(episode_id__in=ids, what__in=list(entry_kinds.OF_ANOTHER))
    return {UUID(line.details["with"]) for line in lines}


async def names_of(children: Collection[UUID]) -> dict[UUID, str]:
    """The names of these people."""
    return {person.id: person.name for person in await Person.filter(id__in=list(children))}


async def view(
    episodes: Sequence[Episode],
    roles: Collection[Role],
    person_id: UUID,
    now: datetime,
    visible_names: Mapping[UUID, str] = MappingProxyType({}),
) -> list[View]:
    """These episodes, in the order given, for this reader. `visible_names`: other children that
    the reader may see; every other one appears without their identity."""
    reader = Reader(roles, person_id)
    ids = [episode.id for episode in episodes]
    lines = await TimelineEntry.filter(episode_id__in=ids).order_by("episode_id", "number")
    names, signs = await _names(lines), await signs_of(lines)
    running = await _running(ids, now) if reader.reads_all else {}
    homes = await _last_words(episodes) if reader.reads_all else {}
    return [
        View(
            episode,
            running.get(episode.id, ()),
            tuple(
                _told(line, names, signs.get(line.id), reader, visible_names)
                for line in reader.lines([row for row in lines if row.episode_id == episode.id])
            ),
            reader,
            homes.get(episode.id),
        )
        for episode in episodes
    ]


async def _last_words(episodes: Sequence[Episode]) -> dict[UUID, SaidOnce]:
    """By episode; of one that is over, as far as it was said before its end."""
    last = {id_: await last_words(id_) for id_ in {episode.child_id for episode in episodes}}
    of_episode = {}
    for episode in episodes:
        begin = episode.opened_at - _BEFORE
        for once in last[episode.child_id]:
            is_in_time = episode.found_at is None or once.said_at <= episode.found_at
            if is_in_time and once.said_at >= begin:
                of_episode[episode.id] = once
                break
    return of_episode


def of_another(details: Mapping[str, Any], visible_names: Mapping[UUID, str]) -> dict[str, Any]:
    """What a line shows about another child: who they are and the state of their search, or
    nothing."""
    name = visible_names.get(UUID(details["with"]))
    return {**details, "name": name} if name is not None else {}


def _told(
    line: TimelineEntry,
    names: dict[UUID, str],
    sign: Sign | None,
    reader: Reader,
    visible_names: Mapping[UUID, str],
) -> Told:
    reads = reader.reads_words(line)
    words: str | None = sign.words if sign is not None else line.words
    details = _of_sign(sign) if sign is not None else line.details
    about = line.about_id
    if line.what in entry_kinds.OF_ANOTHER:
        details = of_another(line.details, visible_names)
        about = about if details else None
    name = names.get(line.who_id) if line.who_id is not None else None
    return Told(
        line.id,
        moment_of(line, sign),
        line.received_at,
        line.what,
        Who(line.who_id, name, line.who_role),
        words if reads else None,
        details if reads else {},
        about if reads else None,
    )


def _of_sign(sign: Sign) -> dict[str, Any]:
    return {"said": sign.what, **({"where": sign.place} if sign.place else {})}


async def _names(lines: Sequence[TimelineEntry]) -> dict[UUID, str]:
    return await names_of({line.who_id for line in lines if line.who_id is not None})


_ORDER = {kind: number for number, kind in enumerate(Kind)}


async def _running(ids: Collection[UUID], now: datetime) -> dict[UUID, tuple[Running, ...]]:
    held = Task.filter(subject_id__in=list(ids), state=State.OPEN).order_by("due_at")
    dues = [due for due in await held if due.kind in OF_AN_EPISODE]
    # Where several are due at one moment, the earlier step of the workflow comes first.
    dues.sort(key=lambda due: (due.due_at, _ORDER[Kind(due.kind)]))
    reach = await reach_of(dues, now)
    wanted = {person for by_to in reach.values() for person in by_to.get(To.OWNER, ())}
    people = {person.id: person for person in await Person.filter(id__in=list(wanted))}
    clocks_by_episode: dict[UUID, tuple[Running, ...]] = {}
    for due in dues:
        owners = [people[id_] for id_ in reach[due.id].get(To.OWNER, ()) if id_ in people]
        clock = Running(
            Kind(due.kind),
            due.due_at,
            due.due_at <= now,
            due.owner_role,
            tuple(sorted(owners, key=lambda person: (person.name, str(person.id)))),
        )
        clocks_by_episode[due.subject_id] = (*clocks_by_episode.get(due.subject_id, ()), clock)
    return clocks_by_episode
