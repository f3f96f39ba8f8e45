"""An agency of hundred thousand children and more, for benchmarks: rows go past the actions and the
ORM, by COPY on PostgreSQL and by one prepared statement on SQLite.

Homes of twenty, each with a caseworker of its own, and one supervisor of all. One child in twenty
has no home. A twentieth is due, a thirtieth is away; `calm` says how many are called for or late.
"""

import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
from tortoise import Tortoise
from tortoise.models import Model

from server.people.finding.actions import input_of, mark
from server.people.finding.rules import Term, terms_of_child, terms_of_home
from server.people.rules import Role
from server.security import encryption
from server.storage.db import dialect, fetch, opened_url, sqlite_file
from server.storage.engines.parameters import for_sqlite
from server.storage.ids import uuid7
from server.watch.models import round_id
from tests.bench.children import moment, token_of
from tests.bench.names import FIRST, LAST

IN_A_HOME = 20
DAYS = 7
_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who is there. `called` have no alert yet: those are opened by the action."""

    agency: UUID
    supervisor: UUID
    duty: UUID
    worker: UUID  # The caseworker of the first home.
    children: Sequence[UUID]
    called: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What every row is made from."""

    agency: UUID
    supervisor: UUID
    now: datetime
    ids: Sequence[UUID]
    homes: Sequence[UUID]
    workers: Sequence[UUID]
    standings: Sequence[str]
    phones: int
    days: int


@lru_cache(maxsize=100_000)
def _sealed(text: str) -> str:
    return encryption.seal(text)


def _standings(many: int, lot: random.Random, urgent: float) -> list[str]:
    """A standing for each child; `urgent`: the share of those who are called for, and of those who
    are late."""
    shares = (("alerted", urgent), ("late", urgent), ("due", 1 / 20), ("away", 1 / 30))
    standings = [name for name, share in shares for _ in range(int(many * share))]
    standings += ["well"] * (many - len(standings))
    lot.shuffle(standings)
    return standings


async def fill(many: int, *, urgent: float = 0.01, phones: int = 500, days: int = DAYS) -> Crowd:
    """An agency with so many children; the last `phones` of them have one."""
    lot = random.Random(7)
    ids = [uuid7() for _ in range(many)]
    n_homes = -(-many // IN_A_HOME)
    plan = _Plan(
        uuid7(),
        uuid7(),
        moment(),
        ids,
        [uuid7() for _ in range(n_homes)],
        [uuid7() for _ in range(n_homes)],
        _standings(many, lot, urgent),
        phones,
        days,
    )
    duty = uuid7()
    await _write(plan, duty, lot)
    await fetch("ANALYZE")
    called = [id_ for id_, name in zip(ids, plan.standings, strict=True) if name == "alerted"]
    return Crowd(plan.agency, plan.supervisor, duty, plan.workers[0], ids, called)


Table = tuple[str, tuple[str, ...], Iterable[tuple[Any, ...]]]


def _tables(plan: _Plan, duty: UUID, lot: random.Random) -> Iterator[Table]:
    now, agency = plan.now, plan.agency
    day = timedelta(days=1)
    names = [f"{lot.choice(FIRST)} {lot.choice(LAST)}" for _ in plan.ids]
    home_names = [f"{lot.choice(LAST)} House {n}" for n in range(len(plan.homes))]
    home_of = [None if n % 20 == 7 else plan.homes[n // IN_A_HOME] for n in range(len(plan.ids))]
    yield "agency", ("id", "name", "made_at"), [(agency, _sealed("bench"), now)]
    yield (
        "home",
        ("id", "agency_id", "name", "zone", "made_at", "indexed_by"),
        (
            (id_, agency, encryption.seal(name), "UTC", now, mark())
            for id_, name in zip(plan.homes, home_names, strict=True)
        ),
    )
    staff = [
        (plan.supervisor, Role.SUPERVISOR, "supervisor"),
        (duty, Role.SUPERVISOR, "duty"),
        *((id_, Role.CASEWORKER, f"worker {n}") for n, id_ in enumerate(plan.workers)),
    ]
    people = ("id", "agency_id", "role", "name", "language", "zone", "made_at")
    yield "person", people, ((i, agency, r, _sealed(n), "en", "UTC", now) for i, r, n in staff)
    yield (
        "person",
        people,
        (
            (id_, agency, Role.CHILD, _sealed(name), "en", "UTC", now)
            for id_, name in zip(plan.ids, names, strict=True)
        ),
    )
    yield (
        "child",
        ("id", "agency_id", "person_id", "home_id", "placed_at", "indexed_by"),
        (
            (id_, agency, id_, home, now, mark())
            for id_, home in zip(plan.ids, home_of, strict=True)
        ),
    )
    tie = ("id", "agency_id", "child_id", "person_id", "role", "from_at")
    yield (
        "tie",
        tie,
        ((uuid7(), agency, i, plan.supervisor, Role.SUPERVISOR, now - day) for i in plan.ids),
    )
    yield (
        "tie",
        tie,
        (
            (uuid7(), agency, id_, plan.workers[n // IN_A_HOME], Role.CASEWORKER, now - day)
            for n, id_ in enumerate(plan.ids)
        ),
    )
    yield (
        "search_token",
        ("digest", "about_id"),
        _tokens(agency, plan, names, home_names),
    )
    yield from _watches(plan)
    yield (
        "fixed_shift",
        (
            "id",
            "agency_id",
            "person_id",
            "from_at",
            "until_at",
        ),
        [(uuid7(), agency, duty, now, now + timedelta(hours=24))],
    )


def _tokens(
    agency: UUID, plan: _Plan, names: Sequence[str], home_names: Sequence[str]
) -> Iterator[tuple[str, UUID]]:
    @lru_cache(maxsize=100_000)
    def digest(term: Term) -> str:
        return encryption.blind(input_of(agency, term))[:_DIGITS]

    for id_, name in zip(plan.ids, names, strict=True):
        for term in terms_of_child(name, None):
            yield digest(term), id_
    for id_, name in zip(plan.homes, home_names, strict=True):
        for term in terms_of_home(name):
            yield digest(term), id_


_WATCH = (
    "child_id",
    "agency_id",
    "tier",
    "zone",
    "rhythm",
    "standing",
    "due_at",
    "opens_at",
    "next_action_at",
    "missed_due_at",
    "late_at",
    "is_alerted",
    "is_missing",
    "sign_at",
    "answered_at",
    "prompted",
    "version",
)


def _watches(plan: _Plan) -> Iterator[Table]:
    now, hour = plan.now, timedelta(hours=1)
    rhythm = '{"at": ["18:00"]}'

    def watches() -> Iterator[tuple[Any, ...]]:
        for n, (id_, standing) in enumerate(zip(plan.ids, plan.standings, strict=True)):
            away = timedelta(seconds=n % 3000)
            due = now + 3 * hour + away
            missed = now - 2 * hour - away if standing in ("alerted", "late") else None
            tier = "high" if n % 10 == 0 else "low" if n % 10 == 9 else "mid"
            yield (
                *(id_, plan.agency, tier, "UTC", rhythm, standing, due, due - 2 * hour),
                due - 2 * hour,
                missed,
                missed and missed + hour,
                *(standing == "alerted", False, now, now - 20 * hour - away, 0, 0),
            )

    yield "watch", _WATCH, watches()
    yield (
        "pause",
        ("id", "child_id", "from_at", "until_at", "made_by", "made_at"),
        (
            (uuid7(), id_, now - 24 * hour, now + (72 + n % 200) * hour, plan.supervisor, now)
            for n, (id_, name) in enumerate(zip(plan.ids, plan.standings, strict=True))
            if name == "away"
        ),
    )
    phones = plan.ids[-plan.phones :]
    yield (
        "device",
        ("id", "agency_id", "person_id", "paired_at"),
        ((i, plan.agency, i, now) for i in phones),
    )
    yield (
        "session",
        ("id", "token_hash", "agency_id", "person_id", "device_id", "made_at", "last_seen_at"),
        (
            (uuid7(), encryption.hash_token(token_of(i)), plan.agency, i, i, now, now)
            for i in phones
        ),
    )
    yield (
        "round",
        ("id", "child_id", "opens_at", "due_at", "late_at", "state", "settled_at"),
        _rounds(plan),
    )


def _rounds(plan: _Plan) -> Iterator[tuple[Any, ...]]:
    hour = timedelta(hours=1)
    for n, id_ in enumerate(plan.ids):
        for day in range(1, plan.days + 1):
            due = plan.now - timedelta(days=day)
            state = "answered_late" if (day + n) % 9 == 0 else "answered"
            settled = due + timedelta(minutes=day)
            yield round_id(id_, due), id_, due - 2 * hour, due, due + hour, state, settled


# --- past the ORM


async def _write(plan: _Plan, duty: UUID, lot: random.Random) -> None:
    tables = map(_filled, _tables(plan, duty, lot))
    if dialect() == "sqlite":
        _to_sqlite(tables)
        return
    connection = await asyncpg.connect(opened_url())
    try:
        for name, columns, rows in tables:
            await connection.copy_records_to_table(
                name, columns=columns, records=map(_for_copy, rows)
            )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _filled(table: Table) -> Table:
    """The same with the values that the models would have put in."""
    name, columns, rows = table
    [model] = [model for model in _models() if model._meta.db_table == name]
    given = {
        field.model_field_name: field.default
        for field in model._meta.fields_map.values()
        if isinstance(field.default, bool | int | str | datetime)
        and not field.pk
        and (field.source_field or field.model_field_name) not in columns
    }
    values = tuple(given.values())
    return name, (*columns, *given), ((*row, *values) for row in rows)


def _models() -> Iterable[type[Model]]:
    return Tortoise.apps["server"].values()


def _for_copy(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(str(value) if isinstance(value, Role) else value for value in row)


def _to_sqlite(tables: Iterable[Table]) -> None:
    connection = sqlite3.connect(sqlite_file(), isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    try:
        connection.execute("BEGIN")
        for name, columns, rows in tables:
            places = ", ".join("?" * len(columns))
            connection.executemany(
                f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({places})",  # noqa: S608
                (tuple(map(for_sqlite, row)) for row in rows),
            )
        connection.execute("COMMIT")
    finally:
        connection.close()
