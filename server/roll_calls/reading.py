"""Roll calls as pages show them. Reads rows, and writes none."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from string import ascii_uppercase
from uuid import UUID

import msgspec
from msgspec.structs import replace
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.alerts.recipients import policy_of
from server.clock import known_zone
from server.people.models import Child, Home, HomeKind, Person
from server.people.rules import MAY_WORK
from server.policy.roll_call import Word
from server.roll_calls import rules
from server.roll_calls.models import HomeNumber, HomeWorker, RollCall
from server.roll_calls.rules import Spoken, Step
from server.storage.db import as_id, as_moment
from server.watch.models import Pause, RollCallWord
from server.watch.spoken import spoken_of
from server.watch.wording import initials

# A person who works in more homes than this sees the first ones.
MOST_HOMES = 50


class Other(msgspec.Struct, frozen=True):
    """What another person said of the same child in the same roll call."""

    word: Word
    by: str
    at: datetime


class Line(msgspec.Struct, frozen=True):
    """One child of the home: the word that `counts` (None: none yet), who said it and when, and
    what other people said. `is_on_pass`: away by agreement until `pass_until`."""

    child_id: UUID
    name: str
    initials: str
    counts: Word | None = None
    by: str | None = None
    by_id: UUID | None = None
    at: datetime | None = None
    until_at: datetime | None = None
    is_on_pass: bool = False
    pass_until: datetime | None = None
    before: Spoken | None = None  # What counted the last time, if they were not simply here.
    others: tuple[Other, ...] = ()
    was_away: bool = False  # A person has said "not here", whatever counts now.
    number: int | None = None  # On the list of the home; None: none yet.

    @property
    def said(self) -> Word | None:
        """The word that counts."""
        return self.counts

    @property
    def is_said(self) -> bool:
        """Whether nothing more has to be said: a child on an agreed absence counts as excused."""
        return self.counts is not None or self.is_on_pass


class Sheet(msgspec.Struct, frozen=True):
    """The last roll call of a home that was asked; None: none yet. The lines are in the order of
    their names. `said_by`: the names of everyone who has said something."""

    home_id: UUID
    agency_id: UUID
    home: str
    zone: str
    roll_call: RollCall | None
    lines: tuple[Line, ...]
    said_by: tuple[str, ...]
    next_at: datetime | None  # When the home is asked next.


class WorkPlace(msgspec.Struct, frozen=True):
    """A home where a person works, and its roll call that waits for an answer. `unknown`: the
    initials of the children with "don't know" at the last one."""

    home_id: UUID
    home: str
    zone: str
    open: RollCall | None
    next_at: datetime | None
    unknown: tuple[str, ...] = ()
    on_until: datetime | None = None  # Until when that person is on shift there.
    has_shifts: bool = True  # Not where a family lives, or a key worker visits.


class Worker(msgspec.Struct, frozen=True):
    """A person who works in a home."""

    person_id: UUID
    name: str
    since: datetime
    on_until: datetime | None = None  # Until when they are on shift; None: they are not.
    wrong_pins: int = 0  # In a row, at the shared device of the home.
    is_locked: bool = False  # By too many of them.


async def works_in(person_id: UUID, home_id: UUID, now: datetime) -> bool:
    """Whether this person works in that home now. A disabled person works nowhere."""
    return await live(now).filter(home_id=home_id, person_id=person_id).exists()


async def seat_of(person_id: UUID, home_id: UUID, now: datetime) -> HomeWorker | None:
    """The seat by which this person works in that home now; None if they do not."""
    return await live(now).filter(home_id=home_id, person_id=person_id).first()


def live(now: datetime) -> QuerySet[HomeWorker]:
    """The rows of those who work in a home now."""
    return HomeWorker.filter(
        Q(until_at__isnull=True) | Q(until_at__gt=now),
        from_at__lte=now,
        person__disabled_at__isnull=True,
        person__role__in=[role.value for role in MAY_WORK],
    )


async def workers_of(home_id: UUID, now: datetime) -> list[Worker]:
    """The people who work in this home, by name."""
    held = await live(now).filter(home_id=home_id)
    names = await _names([seat.person_id for seat in held])
    workers = [
        Worker(
            seat.person_id,
            names[seat.person_id],
            seat.from_at,
            seat.on_shift_until(now),
            seat.pin_wrong,
            seat.pin_locked_at is not None,
        )
        for seat in held
    ]
    return sorted(workers, key=lambda worker: (worker.name.casefold(), worker.person_id))


async def homes_of(person_id: UUID, now: datetime) -> list[WorkPlace]:
    """The homes where this person works; those with an open roll call first."""
    works = live(now).filter(person_id=person_id).order_by("home_id").limit(MOST_HOMES)
    waits = works.filter(home__roll_calls__state="open").distinct()
    seats = {seat.home_id: seat for seat in [*await waits, *await works]}
    ids = list(seats)[:MOST_HOMES]
    if not ids:
        return []
    calls = await RollCall.filter(home_id__in=ids, step__lt=Step.FOLLOWED).order_by("due_at")
    open_ = {call.home_id: call for call in calls if call.is_open}
    unknown = await _still_unknown([call for call in calls if call.state == "done"])
    places = [
        WorkPlace(
            home.id,
            home.name,
            home.zone,
            open_.get(home.id),
            home.next_roll_call_at,
            unknown.get(home.id, ()),
            seats[home.id].on_shift_until(now),
            home.kind == HomeKind.HOME,
        )
        for home in await Home.filter(id__in=ids)
    ]
    return sorted(places, key=lambda place: (place.open is None, place.home.casefold()))


async def _still_unknown(calls: Sequence[RollCall]) -> dict[UUID, tuple[str, ...]]:
    """By home, the initials of the children with "don't know" as the word that counts."""
    home_of = {call.id: call.home_id for call in calls}
    rows = RollCallWord.filter(roll_call_id__in=list(home_of))
    doubted = await rows.filter(word=Word.UNKNOWN.value).values_list("child_id", flat=True)
    children = {as_id(id_) for id_ in doubted}
    words: dict[tuple[UUID, UUID], list[Spoken]] = {}
    for row in await rows.filter(child_id__in=list(children)):
        words.setdefault((home_of[row.roll_call_id], row.child_id), []).append(spoken_of(row))
    names, unknown = await _names(children), dict[UUID, list[str]]()
    here = Child.filter(id__in=list(children), left_at__isnull=True)
    lives_in = {as_id(id_): at for id_, at in await here.values_list("id", "home_id")}
    for (home_id, child_id), each in words.items():
        counts = rules.counted(each)
        is_unknown = counts is not None and counts.word is Word.UNKNOWN
        if is_unknown and lives_in.get(child_id) == home_id:
            unknown.setdefault(home_id, []).append(names.get(child_id, ""))
    return {home_id: tuple(initials(sorted(each))) for home_id, each in unknown.items()}


async def times_of(home: Home) -> tuple[str, ...]:
    """When this home is asked, by its own clock: its own times, or those of the policy."""
    if home.roll_call_at is not None:
        return tuple(home.roll_call_at)
    if home.kind == HomeKind.FLAT:
        return ()  # Nobody is there at fixed times.
    policy, _ = await policy_of(home.agency_id)
    return tuple(f"{at:%H:%M}" for at in policy.roll_call.at)


# --- the sheet


async def sheet(home_id: UUID, now: datetime, roll_call_id: UUID | None = None) -> Sheet | None:
    """The sheet of a home: its last roll call, or the one that is named; None for no such home."""
    home = await Home.get_or_none(id=home_id)
    if home is None:
        return None
    calls = RollCall.filter(home_id=home_id)
    if roll_call_id is not None:
        calls = calls.filter(id=roll_call_id)
    roll_call = await calls.order_by("-due_at").first()
    children = await living_in(home_id)
    words = await _words(roll_call, children)
    before = await _last_time(roll_call, children, now)
    passes = await on_pass(children, now)
    numbers = await numbers_of(home_id)
    names = await _names([*children, *{spoken.by_id for each in words.values() for spoken in each}])
    ordered = sorted(children, key=lambda id_: (names.get(id_, "").casefold(), id_))
    short = initials([names.get(id_, "") for id_ in ordered])
    lines = tuple(
        replace(
            _line(id_, letters, names, words.get(id_, ()), passes.get(id_), before.get(id_)),
            number=numbers.get(id_),
        )
        for id_, letters in zip(ordered, short, strict=True)
    )
    said_by = sorted({names.get(spoken.by_id, "") for each in words.values() for spoken in each})
    return Sheet(
        home.id,
        home.agency_id,
        home.name,
        known_zone(home.zone).key,
        roll_call,
        lines,
        tuple(said_by),
        home.next_roll_call_at,
    )


def _line(
    child_id: UUID,
    letters: str,
    names: Mapping[UUID, str],
    words: Sequence[Spoken],
    pass_until: datetime | None,
    before: Spoken | None,
) -> Line:
    each = rules.each_last(words)
    first = each[0] if each else None
    return Line(
        child_id=child_id,
        name=names.get(child_id, ""),
        initials=letters,
        counts=first.word if first else None,
        by=names.get(first.by_id, "") if first else None,
        by_id=first.by_id if first else None,
        at=first.said_at if first else None,
        until_at=first.until_at if first else None,
        is_on_pass=pass_until is not None,
        pass_until=pass_until,
        before=before,
        others=tuple(
            Other(spoken.word, names.get(spoken.by_id, ""), spoken.said_at) for spoken in each[1:]
        ),
        was_away=any(spoken.word is Word.NOT_HERE for spoken in words),
    )


async def _words(
    roll_call: RollCall | None, children: Collection[UUID]
) -> dict[UUID, list[Spoken]]:
    if roll_call is None:
        return {}
    by_child: dict[UUID, list[Spoken]] = {}
    rows = RollCallWord.filter(roll_call_id=roll_call.id, child_id__in=list(children))
    for row in await rows:
        by_child.setdefault(row.child_id, []).append(spoken_of(row))
    return by_child


async def _last_time(
    roll_call: RollCall | None, children: Collection[UUID], now: datetime
) -> dict[UUID, Spoken]:
    """What counted at the roll call before this one, of the children who were not simply here then.
    A permission that is over by now says nothing more."""
    if roll_call is None:
        return {}
    earlier = RollCall.filter(home_id=roll_call.home_id, due_at__lt=roll_call.due_at)
    words = await _words(await earlier.order_by("-due_at").first(), children)
    counts = {id_: rules.counted(each) for id_, each in words.items()}
    return {
        id_: word
        for id_, word in counts.items()
        if word is not None
        and word.word is not Word.HERE
        and (word.until_at is None or word.until_at > now)
    }


async def numbers_of(home_id: UUID) -> dict[UUID, int]:
    """The number of each child who has one in this home now."""
    rows = HomeNumber.filter(home_id=home_id, until_at__isnull=True)
    return {as_id(id_): number for id_, number in await rows.values_list("child_id", "number")}


async def letters_of(people: Collection[UUID]) -> dict[tuple[UUID, UUID], str]:
    """The letter by which each of these people names a home in a text, by person and home: in the
    order in which they began to work there, so that it never becomes that of another. Beyond 26
    homes there is none."""
    rows = HomeWorker.filter(person_id__in=list(people)).order_by("from_at", "id")
    homes: dict[UUID, list[UUID]] = {}
    for person, home in await rows.values_list("person_id", "home_id"):
        of_person = homes.setdefault(as_id(person), [])
        if as_id(home) not in of_person:
            of_person.append(as_id(home))
    return {
        (person, home): letter
        for person, of_person in homes.items()
        for home, letter in zip(of_person, ascii_uppercase, strict=False)
    }


async def letters_at(home_id: UUID, people: Collection[UUID], now: datetime) -> dict[UUID, str]:
    """The letter of this home for those of these people who work in another one as well."""
    rows = await live(now).filter(person_id__in=list(people)).values_list("person_id", "home_id")
    elsewhere = {as_id(person) for person, home in rows if as_id(home) != home_id}
    letters = await letters_of(elsewhere)
    return {person: letters.get((person, home_id), "") for person in elsewhere}


async def living_in(home_id: UUID, among: Collection[UUID] | None = None) -> list[UUID]:
    """The children who live in a home now, in order; with `among`, those of these."""
    held = Child.filter(home_id=home_id, left_at__isnull=True)
    if among is not None:
        held = held.filter(id__in=list(among))
    return [as_id(id_) for id_ in await held.order_by("id").values_list("id", flat=True)]


async def on_pass(children: Collection[UUID], now: datetime) -> dict[UUID, datetime]:
    """Until when each of these children is away by agreement; without those who are not."""
    rows = Pause.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=now),
        child_id__in=list(children),
        from_at__lte=now,
        until_at__gt=now,
    )
    ends = await rows.order_by("until_at").values_list("child_id", "until_at")
    return {as_id(child_id): as_moment(until) for child_id, until in ends}


async def unsaid(roll_call: RollCall, now: datetime) -> set[UUID]:
    """The children of the home who have no word yet, and are not away by agreement."""
    here = set(await living_in(roll_call.home_id))
    words = RollCallWord.filter(roll_call_id=roll_call.id, child_id__in=list(here))
    open_ = here - {as_id(id_) for id_ in await words.values_list("child_id", flat=True)}
    return open_ - (await on_pass(open_, now)).keys()


async def _names(ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await Person.filter(id__in=list(ids)).only("id", "name")
    return {row.id: row.name for row in rows}
