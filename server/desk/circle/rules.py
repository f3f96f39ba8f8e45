"""Who is in which ring around a child, in which order, and where on the ring. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from server.alerts.ladder import Reachable, people_on
from server.policy.model import Rung


class Place(StrEnum):
    """What a person is to the child, those who act first at the beginning."""

    CASEWORKER = "caseworker"
    HOME = "home"
    CARER = "carer"
    TRUSTED = "trusted"  # Named by the child.
    SUPERVISOR = "supervisor"
    DEPUTY = "deputy"
    COVER = "cover"  # Of a person who is away.
    ON_DUTY = "on_duty"
    GUARDIAN = "guardian"
    ADVOCATE = "advocate"
    SCHOOL = "school"
    CLUB = "club"  # From here on: they say whether the child came. A school may, too.
    MENTOR = "mentor"
    LAWYER = "lawyer"
    OTHER = "other"
    CALLED = "called"  # About an open alert, and nothing else to the child.


NEAR = frozenset({Place.CASEWORKER, Place.HOME, Place.CARER, Place.TRUSTED})
# So many fit on a ring without touching; the picture says how many more the table has.
MOST_NEAR, MOST_FAR = 6, 10
# A ring has so many places, as the style sheet draws them: `at-0` is on top.
DIAL = 24


class Doubt(StrEnum):
    """Why we may not reach a person."""

    NO_ADDRESS = "no_address"  # No address from which they have answered.
    UNSEEN = "unseen"  # Their only way is the app, and it shows nothing that we send.
    UNASKED = "unasked"  # A person the child named: the caseworker has not decided yet.
    NO_NUMBER = "no_number"  # A home without a telephone number.


class Absence(msgspec.Struct, frozen=True):
    """A person is on leave: until when, and who covers; None: nobody does."""

    until: datetime
    cover: UUID | None


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """One person, home or school around the child. `turn`: the ladder calls them in this step, the
    first is 1; None: it does not call them. `is_called`: they were called about an open alert."""

    id: UUID
    name: str
    places: tuple[Place, ...]
    turn: int | None = None
    is_called: bool = False
    absence: Absence | None = None
    doubt: Doubt | None = None
    is_witness: bool = False  # Says on agreed days whether the child came.

    @property
    def is_near(self) -> bool:
        """Whether they are in the inner ring: those who act first."""
        return self.places[0] in NEAR

    @property
    def is_fit(self) -> bool:
        """Whether we can count on them now."""
        return self.absence is None and self.doubt is None


class Ring(msgspec.Struct, frozen=True):
    """What of a ring is drawn: each person with their place on the dial, and how many more there
    are, with the place of that word."""

    seats: tuple[tuple[Around, int], ...]
    more: int = 0
    more_at: int = 0


def turns_of(rungs: Sequence[Rung], reach: Reachable) -> dict[UUID, int]:
    """In which step the ladder calls each person. A rung without people is no step; a person on
    several rungs has the first."""
    there = reach.on(*rungs)
    turns: dict[UUID, int] = {}
    step = 0
    for rung in rungs:
        people = [person for person in people_on(rung, there) if person not in turns]
        if people:
            step += 1
            turns |= dict.fromkeys(people, step)
    return turns


def in_order(people: Collection[Around]) -> list[Around]:
    """The inner ring first; in a ring those who are called, in their order, then by place and
    name."""
    places = list(Place)
    return sorted(
        people,
        key=lambda each: (
            not each.is_near,
            each.turn is None,
            each.turn or 0,
            places.index(each.places[0]),
            each.name.casefold(),
        ),
    )


def rings(people: Sequence[Around]) -> tuple[Ring, Ring]:
    """The inner ring and the outer one, of people in their order."""
    near = [each for each in people if each.is_near]
    far = [each for each in people if not each.is_near]
    return _ring(near, MOST_NEAR, turned=False), _ring(far, MOST_FAR, turned=True)


def _ring(people: Sequence[Around], most: int, *, turned: bool) -> Ring:
    """At equal distances. `turned`: by half a distance, so that no name is above another one."""
    is_whole = len(people) <= most
    shown = people if is_whole else _drawn(people, most - 1)
    count = len(shown) + (not is_whole)
    at = [_at(number, count, turned=turned) for number in range(count)]
    seats = tuple(zip(shown, at, strict=False))
    return Ring(seats) if is_whole else Ring(seats, len(people) - len(shown), at[-1])


def _drawn(people: Sequence[Around], most: int) -> list[Around]:
    """Where not all have room: a person who we may not reach is never among those left out as
    long as there is room for one who can be left out."""
    chosen = {id(each) for each in sorted(people, key=lambda each: each.is_fit)[:most]}
    return [each for each in people if id(each) in chosen]


def _at(number: int, count: int, *, turned: bool) -> int:
    if turned and count == 1:
        # At the side: below, the picture has no room for one alone.
        return DIAL // 4
    return (DIAL * (2 * number + turned) // (2 * count)) % DIAL


def places_of(
    ties: Sequence[tuple[UUID, str]], others: Mapping[Place, Collection[UUID]]
) -> dict[UUID, tuple[Place, ...]]:
    """What each person is to the child, by their ties and by what else they are, the nearest
    first. Called alone is said only of a person who is nothing else."""
    held: dict[UUID, set[Place]] = {}
    for person, role in ties:
        held.setdefault(person, set()).add(Place(role))
    for place, people in others.items():
        for person in people:
            held.setdefault(person, set()).add(place)
    for places in held.values():
        if len(places) > 1:
            places.discard(Place.CALLED)
    order = list(Place)
    return {person: tuple(sorted(places, key=order.index)) for person, places in held.items()}
