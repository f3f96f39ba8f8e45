"""Who is there: how many agencies, homes and children, and what each is called.

A plan is made from numbers alone, so that rows may be drawn from it table by table and it never
holds the history in memory.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from server.seeding.names import FIRST, LAST
from server.storage.ids import uuid7

DAY = timedelta(days=1)
IN_A_HOME = 20
IN_AN_AGENCY = 5000
# One child in so many lives in no home.
WITHOUT_HOME = 20
TIMES = tuple(
    timedelta(hours=hour, minutes=minute) for hour in range(16, 21) for minute in (0, 15, 30, 45)
)


class Size(msgspec.Struct, frozen=True):
    """How much is made. `days`: of check-ins that lie behind each child."""

    children: int
    days: int
    agencies: int
    seed: int = 1


class Plan(msgspec.Struct, frozen=True):
    """One agency. A child, their home and their caseworker are found by their place."""

    agency: UUID
    name: str
    now: datetime
    days: int
    supervisor: UUID
    homes: Sequence[UUID]
    workers: Sequence[UUID]
    children: Sequence[UUID]
    child_names: Sequence[str]
    home_names: Sequence[str]
    away: frozenset[int]

    def home_of(self, place: int) -> UUID | None:
        """The home of the child at this place; one in twenty has none."""
        return None if place % WITHOUT_HOME == 7 else self.homes[place // IN_A_HOME]

    def worker_of(self, place: int) -> UUID:
        """Their caseworker: one for each home."""
        return self.workers[place // IN_A_HOME]

    def time_of(self, place: int) -> timedelta:
        """At which time of the day their check-in is due, in UTC."""
        return TIMES[place * 7 % len(TIMES)]


def plans(size: Size, now: datetime) -> Iterator[Plan]:
    """The agencies one after the other, as large as each other."""
    lot = random.Random(size.seed)  # noqa: S311 (names, no secrets)
    for number in range(size.agencies):
        before, after = (size.children * n // size.agencies for n in (number, number + 1))
        yield make(f"Simulated agency {number + 1}", after - before, size.days, lot, now)


def make(name: str, many: int, days: int, lot: random.Random, now: datetime) -> Plan:
    """One agency with so many children."""
    homes = -(-many // IN_A_HOME)
    return Plan(
        agency=uuid7(),
        name=name,
        now=now,
        days=days,
        supervisor=uuid7(),
        homes=[uuid7() for _ in range(homes)],
        workers=[uuid7() for _ in range(homes)],
        children=[uuid7() for _ in range(many)],
        child_names=[f"{lot.choice(FIRST)} {lot.choice(LAST)}" for _ in range(many)],
        home_names=[f"{lot.choice(LAST)} House {n + 1}" for n in range(homes)],
        away=frozenset(lot.sample(range(many), many // 30)),
    )
