"""The rows of `bench_hour`: agencies of ten thousand children, each due and with a phone.

The database makes them itself, an agency at a time, since a million children would take longer
through the fields of the models. Twenty children live in a home and have a caseworker, who has a
phone too. What it made is in tables of the benchmark's own, `bench_child` and `bench_home`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from server.errors import Unavailable
from server.notify.models import Address
from server.people.finding.actions import mark
from server.people.models import Agency
from server.security import encryption
from server.storage import bulk
from server.storage.db import as_id, fetch, write
from server.storage.ids import uuid7
from server.watch.models import round_id
from tests.doubles.web_push import Receiver

OF_AGENCY, OF_HOME = 10_000, 20
PART = 2000
TRIES = 20
T = TypeVar("T")
GRACE = timedelta(minutes=30)  # Of the high level, in which each miss calls adults.
TABLES = ("agency", "home", "person", "child", "tie", "device", "session", "address", "watch")

OWN_TABLES = (
    "CREATE TABLE bench_home (place int PRIMARY KEY, id uuid, worker_id uuid, agency_id uuid)",
    "CREATE TABLE bench_child (place int PRIMARY KEY, id uuid, agency_id uuid)",
    "CREATE TABLE bench_opened (alert_id uuid, child_id uuid)",
    # The row of the benchmark's own is never changed, so it tells when the alert was committed.
    "CREATE FUNCTION bench_open() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO bench_opened VALUES (NEW.id, NEW.child_id); RETURN NULL; END $$",
    "CREATE TRIGGER bench_open AFTER INSERT ON alert FOR EACH ROW EXECUTE FUNCTION bench_open()",
)
# Children `$1` to `$2`, and their homes.
_HOMES = "FROM bench_home h WHERE h.place BETWEEN $1::int / 20 AND $2::int / 20"
_CHILDREN = "FROM bench_child c WHERE c.place BETWEEN $1::int AND $2::int"
_OF_HOMES = (
    "FROM bench_child c JOIN bench_home h ON h.place = c.place / 20"
    " WHERE c.place BETWEEN $1::int AND $2::int"
)
_MADE: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "INSERT INTO bench_home SELECT place, uuidv7(), uuidv7(), $3"
        " FROM generate_series($1::int / 20, $2::int / 20) AS place",
        ("agency",),
    ),
    (
        "INSERT INTO bench_child SELECT place, uuidv7(), $3"
        " FROM generate_series($1::int, $2::int) AS place",
        ("agency",),
    ),
    (
        "INSERT INTO home (id, agency_id, name, zone, made_at, indexed_by)"
        f" SELECT h.id, h.agency_id, $3, 'UTC', $4, $5 {_HOMES}",
        ("name", "now", "mark"),
    ),
    (
        "INSERT INTO person (id, agency_id, role, name, language, zone, made_at)"
        f" SELECT h.worker_id, h.agency_id, 'caseworker', $3, 'en', 'UTC', $4 {_HOMES}",
        ("name", "now"),
    ),
    (
        "INSERT INTO person (id, agency_id, role, name, language, zone, made_at)"
        f" SELECT c.id, c.agency_id, 'child', $3, 'en', 'UTC', $4 {_CHILDREN}",
        ("name", "now"),
    ),
    (
        "INSERT INTO child (id, agency_id, person_id, home_id, placed_at, indexed_by)"
        f" SELECT c.id, c.agency_id, c.id, h.id, $3, $4 {_OF_HOMES}",
        ("now", "mark"),
    ),
    (
        "INSERT INTO tie (id, agency_id, child_id, person_id, role, from_at)"
        " SELECT uuidv7(), c.agency_id, c.id, h.worker_id, 'caseworker',"
        f" $3::timestamptz - interval '1 day' {_OF_HOMES}",
        ("now",),
    ),
    (
        "INSERT INTO device (id, agency_id, person_id, paired_at)"
        f" SELECT c.id, c.agency_id, c.id, $3 {_CHILDREN}",
        ("now",),
    ),
    (
        # The token is that of `children.token_of`.
        "INSERT INTO session (id, token_hash, agency_id, person_id, device_id, made_at,"
        " last_seen_at) SELECT uuidv7(), encode(sha256(('bench-' || c.id::text)::bytea), 'hex'),"
        f" c.agency_id, c.id, c.id, $3::timestamptz, $3::timestamptz {_CHILDREN}",
        ("now",),
    ),
    (
        "INSERT INTO watch (child_id, agency_id, tier, zone, rhythm, standing, due_at, opens_at,"
        " following_due_at, following_opens_at, following_action_at, prompted, is_alerted,"
        " is_missing, sign_at, next_action_at, version)"
        " SELECT c.id, c.agency_id, 'mid', 'UTC', '{\"at\": [\"18:00\"]}', 'due',"
        " $3::timestamptz, $3::timestamptz - interval '4 hours',"
        " $3::timestamptz + interval '24 hours', $3::timestamptz + interval '22 hours',"
        " $3::timestamptz + interval '22 hours', 1, false, false,"
        f" $3::timestamptz - interval '22 hours', $3::timestamptz, 0 {_CHILDREN}",
        ("due",),
    ),
)
_ROUNDS = (
    "INSERT INTO round (id, child_id, opens_at, due_at, late_at, state)"
    " SELECT id, child_id, due - interval '4 hours', due, due + interval '30 minutes', 'open'"
    " FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS made(id, child_id, due)"
)
_LATE = (
    "UPDATE watch SET tier = 'high', prompted = 4, due_at = due,"
    " opens_at = due - interval '4 hours', next_action_at = due + interval '30 minutes',"
    " following_due_at = due + interval '24 hours',"
    " following_opens_at = due + interval '22 hours',"
    " following_action_at = due + interval '22 hours', sign_at = due - interval '22 hours'"
    " FROM unnest($1::uuid[], $2::timestamptz[]) AS late(child, due) WHERE child_id = child"
)


@dataclass(frozen=True)
class Crowd:
    """Who is there: those who answer, and those who never do, from all homes."""

    answering: Sequence[UUID]
    silent: Sequence[UUID]


async def insist(work: Callable[[], Awaitable[T]]) -> T:
    """Each time from its beginning: on a machine that is busy with other things, a database that is
    slow is taken for one that is gone, and our connections to it end."""
    for _ in range(TRIES):
        try:
            return await work()
        except Unavailable:
            await asyncio.sleep(1)
    return await work()


async def fill(many: int, silent: int, now: datetime, due: datetime, origin: str) -> Crowd:
    """So many children, all due at that moment; so many of them will never answer. `origin`: the
    push service of the caseworkers."""
    for statement in OWN_TABLES:
        await fetch(statement)
    every = many // silent
    answering: list[UUID] = []
    never: list[UUID] = []
    for begin in range(0, many, OF_AGENCY):
        end = min(begin + OF_AGENCY, many) - 1
        ids = await insist(partial(_agency, begin, end, now, due))
        await insist(partial(_phones, begin, end, now, origin))
        quiet = {id_ for n, id_ in enumerate(ids, begin) if n % every == 0 and n // every < silent}
        due_now = [id_ for id_ in ids if id_ not in quiet]
        await insist(partial(_open, due_now, [due] * len(due_now)))
        answering += due_now
        never += [id_ for id_ in ids if id_ in quiet]
    # What the filling left to be done is not the server's.
    for table in (*TABLES, "round"):
        await insist(partial(fetch, f"VACUUM ANALYZE {table}"))
    await insist(partial(fetch, "CHECKPOINT"))
    return Crowd(answering, never)


async def _agency(begin: int, end: int, now: datetime, due: datetime) -> list[UUID]:
    """One agency with the children of these places; returns them in order."""
    given: dict[str, Any] = {"now": now, "due": due, "mark": mark()}
    given["name"] = encryption.seal("name")
    async with write():
        agency = await Agency.create(id=uuid7(), name="bench", made_at=now)
        given["agency"] = agency.id
        for statement, names in _MADE:
            await fetch(statement, [begin, end, *(given[name] for name in names)])
    rows = await fetch(f"SELECT c.id {_CHILDREN} ORDER BY c.place", [begin, end])
    return [as_id(row["id"]) for row in rows]


async def _phones(begin: int, end: int, now: datetime, origin: str) -> None:
    """A phone for each caseworker, at a push service."""
    homes = await fetch(f"SELECT h.place, h.worker_id, h.agency_id {_HOMES}", [begin, end])
    keys = [Receiver().keys for _ in range(20)]
    rows = [
        {
            "id": uuid7(),
            "agency_id": as_id(home["agency_id"]),
            "person_id": as_id(home["worker_id"]),
            "channel": "push",
            "value": f"{origin}/push/{home['place']}",
            "value_index": encryption.blind(f"push:{home['place']}"),
            "keys": keys[place % len(keys)],
            "made_at": now,
        }
        for place, home in enumerate(homes)
    ]
    async with write():
        await bulk.insert(Address, rows)


async def make_late(silent: Sequence[UUID], begin: datetime, lasts: timedelta) -> None:
    """The rounds of these children become late one after the other over this time."""
    late = [begin + lasts * place / len(silent) for place in range(len(silent))]
    due = [at - GRACE for at in late]
    for part in _parts(len(silent)):
        async with write():
            await fetch(_LATE, [[*silent[part]], due[part]])
            await _open(silent[part], due[part])


async def _open(children: Sequence[UUID], due: Sequence[datetime]) -> None:
    """An open round for each of these children."""
    ids = [round_id(child, at) for child, at in zip(children, due, strict=True)]
    await fetch(_ROUNDS, [ids, [*children], [*due]])


def _parts(many: int) -> Iterator[slice]:
    for begin in range(0, many, PART):
        yield slice(begin, begin + PART)
