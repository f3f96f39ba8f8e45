"""The load of each worker in numbers: sums made in the database, over the children that the reader
supervises. Who worked well is not among them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from server.alerts.climbing import CALLING
from server.clock import known_zone
from server.desk.board.rows import names_of
from server.people.finding.scope import Scope
from server.people.models import Home, Person
from server.people.rules import Role
from server.storage.db import as_id, as_moment, dialect, fetch, fetch_aside
from server.storage.statement import Statement

AHEAD, NIGHTS = timedelta(days=7), timedelta(days=14)
NIGHT_FROM, NIGHT_UNTIL = 22, 7
AT_ONCE = 50


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """One worker. `nights`: quarters of an hour, 22:00 to 07:00 where they live, in which we called
    them."""

    id: UUID
    name: str
    children: int = 0
    alerts: int = 0
    due: int = 0
    promises: int = 0
    nights: int = 0


# SQLite keeps to the order of a CROSS JOIN. By its own choice it reads all children for each alert.
_LOADS = """
WITH {scope},
mine AS (
  SELECT DISTINCT t.person_id, t.child_id FROM tie t
  JOIN scope s ON s.child_id = t.child_id JOIN child c ON c.id = t.child_id
  WHERE t.role = 'caseworker' AND c.left_at IS NULL
  AND t.from_at <= {now} AND (t.until_at IS NULL OR t.until_at > {now})
),
theirs AS (
  SELECT m.person_id, COUNT(*) AS n FROM mine m GROUP BY m.person_id
),
calls AS (
  SELECT m.person_id, COUNT(*) AS n FROM mine m CROSS JOIN alert a
  WHERE a.child_id = m.child_id AND a.closed_at IS NULL GROUP BY m.person_id
),
todo AS (
  SELECT m.person_id, COUNT(*) AS n,
         SUM(CASE WHEN t.kind = 'step' AND t.due_at <= {now} THEN 1 ELSE 0 END) AS promises
  FROM mine m CROSS JOIN task t WHERE t.child_id = m.child_id AND t.state = 'open'
  AND t.due_at <= {ahead} AND t.kind <> 'answer' AND (t.owner_id = m.person_id
      OR (t.owner_id IS NULL AND t.owner_role IN ('caseworker', 'agency')))
  GROUP BY m.person_id
)
SELECT p.id, COALESCE(m.n, 0) AS children, COALESCE(k.n, 0) AS alerts,
       COALESCE(d.n, 0) AS due, COALESCE(d.promises, 0) AS promises
FROM person p LEFT JOIN theirs m ON m.person_id = p.id
LEFT JOIN calls k ON k.person_id = p.id LEFT JOIN todo d ON d.person_id = p.id
WHERE p.agency_id = {agency} AND p.disabled_at IS NULL
AND (p.role = 'caseworker' OR m.n IS NOT NULL)
"""
SUPERVISING = frozenset({Role.SUPERVISOR})


async def loads(scope: Scope) -> list[Load]:
    """The load of each worker of the agency, by name."""
    statement = Statement()
    sql = _LOADS.format(
        scope=scope.cte(statement, SUPERVISING),
        now=statement.of(scope.now),
        agency=statement.of(scope.agency_id),
        ahead=statement.of(scope.now + AHEAD),
    )
    rows = await fetch_aside(sql, statement.params, is_long=True)
    numbers = ("children", "alerts", "due", "promises")
    names = await names_of([as_id(row["id"]) for row in rows])
    nights = await _nights(list(names), scope.now)
    found_loads = [
        Load(
            id=as_id(row["id"]),
            name=names[as_id(row["id"])],
            nights=nights.get(as_id(row["id"]), 0),
            **{number: int(row[number]) for number in numbers},
        )
        for row in rows
    ]
    return sorted(found_loads, key=lambda load: load.name.casefold())


# A person who is called by three channels at once is woken once: we count quarters of an hour.
_QUARTER = {
    "postgres": "CAST(FLOOR(EXTRACT(EPOCH FROM queued_at) / 900) AS bigint)",
    "sqlite": "CAST((julianday(queued_at) - 2440587.5) * 96 AS INTEGER)",
}
_CALLED = """
SELECT person_id, MIN(queued_at) AS at FROM message
WHERE person_id {people} AND queued_at > {since} AND state = 'done' AND kind IN ({kinds})
GROUP BY person_id, {quarter}
"""


async def _nights(people: Iterable[UUID], now: datetime) -> dict[UUID, int]:
    """How often each of these people was called at night."""
    statement, ids = Statement(), list(people)
    sql = _CALLED.format(
        people=statement.among(ids),
        since=statement.of(now - NIGHTS),
        kinds=", ".join(f"'{kind.value}'" for kind in CALLING),
        quarter=_QUARTER[dialect()],
    )
    zones = dict(await Person.filter(id__in=ids).values_list("id", "zone"))
    counts: dict[UUID, int] = {}
    for row in await fetch(sql, statement.params):
        person = as_id(row["person_id"])
        hour = as_moment(row["at"]).astimezone(known_zone(zones[person])).hour
        if hour >= NIGHT_FROM or hour < NIGHT_UNTIL:
            counts[person] = counts.get(person, 0) + 1
    return counts


class Child(msgspec.Struct, frozen=True):
    """A child who can be handed over."""

    id: UUID
    name: str
    home: str


_CHILDREN = """
WITH {scope}
SELECT c.id, c.home_id, COUNT(*) OVER () AS n FROM child c JOIN scope s ON s.child_id = c.id
WHERE c.left_at IS NULL AND EXISTS (
  SELECT 1 FROM tie t WHERE t.child_id = c.id AND t.person_id = {worker}
  AND t.role = 'caseworker' AND t.from_at <= {now} AND (t.until_at IS NULL OR t.until_at > {now}))
ORDER BY c.home_id, c.id LIMIT {at_once} OFFSET {skip}
"""


async def children_of(worker: UUID, scope: Scope, page: int) -> tuple[list[tuple[UUID, UUID]], int]:
    """One part of the children of a worker that the reader supervises, with their homes, those of
    a home together; and how many there are."""
    statement = Statement()
    sql = _CHILDREN.format(
        scope=scope.cte(statement, SUPERVISING),
        worker=statement.of(worker),
        now=statement.of(scope.now),
        at_once=AT_ONCE,
        skip=AT_ONCE * (page - 1),
    )
    rows = await fetch(sql, statement.params)
    pairs = [(as_id(row["id"]), row["home_id"] and as_id(row["home_id"])) for row in rows]
    return pairs, rows[0]["n"] if rows else 0


async def named(pairs: list[tuple[UUID, UUID]]) -> list[Child]:
    """The same with their names, by home and name."""
    names = await names_of([id_ for id_, _ in pairs])
    wanted = [home for _, home in pairs if home is not None]
    homes = {home.id: home.name for home in await Home.filter(id__in=wanted)}
    rows = [Child(id_, names[id_], homes.get(home, "")) for id_, home in pairs]
    return sorted(rows, key=lambda row: (row.home.casefold(), row.name.casefold()))
