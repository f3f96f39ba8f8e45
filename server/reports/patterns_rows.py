"""What may belong together, where the reader may see all of it. Reads rows, writes none: counts are
added up in the database."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from server.clock import known_zone
from server.missing.profile.marks import Same
from server.missing.search.rules import WITHIN
from server.people.agencies.at import was_elsewhere, was_with
from server.people.finding.scope import Scope, who_may
from server.people.models import Home, Person
from server.people.rules import Action, Role
from server.reports import patterns
from server.reports.counting import due_epoch, id_or_none, texts
from server.reports.patterns import (
    FEWEST_CHILDREN,
    Cluster,
    Due,
    Held,
    Hours,
    Often,
    OnShift,
    Shared,
    Time,
)
from server.reports.quality import KEPT, MISSED
from server.rota.calendar import Shift, duty_shifts_between
from server.rota.duty import rotas_of
from server.storage.db import as_id, as_moment, dialect, fetch_aside, to_json
from server.storage.statement import Statement

Link = Often | Shared | Cluster | Hours | OnShift
_WORKING = who_may(Action.EPISODE_WORK)
_SUPERVISING = frozenset({Role.SUPERVISOR})


async def patterns_of(scope: Scope) -> list[Link]:
    """All links for a reader, those about children first.

    A reader sees a link if they work with every child in it. Homes, hours and shifts are counted
    for supervisors, among the children that they see, and from the time in which the agency had
    them.
    """
    links: list[Link] = []
    links += patterns.often(await _times(scope, _WORKING), scope.now)
    links += patterns.shared(await _held(scope))
    times = await _times(scope, _SUPERVISING, is_here=True)
    if times:
        links += patterns.by_home(times, await _living(scope), scope.now)
        links += patterns.by_hours(times, scope.now)
    return links + await _shifts(scope)


async def patterns_about(scope: Scope, child_id: UUID) -> list[Link]:
    """The links about one child of the reader. Of other children only those that the reader has a
    tie to."""
    by_tie = replace(scope, is_on_duty=False, covers=frozenset(), called={}, broken=frozenset())
    links: list[Link] = []
    links += patterns.often(await _times(by_tie, _WORKING, about=child_id), scope.now)
    return links + patterns.shared(await _held(by_tie, about=child_id), child_id)


async def names_of(links: Collection[Link]) -> Mapping[UUID, str]:
    """The names of the people and homes in these links."""
    people = {id_ for link in links for id_ in children_of(link)}
    people |= {link.person_id for link in links if isinstance(link, OnShift)}
    homes = [link.home_id for link in links if isinstance(link, Cluster)]
    names = dict(await Person.filter(id__in=list(people)).values_list("id", "name"))
    return names | dict(await Home.filter(id__in=homes).values_list("id", "name"))


def children_of(link: Link) -> list[UUID]:
    """The children that a link is about."""
    if isinstance(link, Often):
        return [link.child_id]
    return [link.one, link.other] if isinstance(link, Shared) else []


# --- how often, and from where

_TIMES = """
WITH {scope}
SELECT e.child_id, e.opened_at, COALESCE(e.home_id, c.home_id) AS home_id, w.zone
FROM child c JOIN episode e ON e.child_id = c.id AND e.opened_at > {since}
LEFT JOIN watch w ON w.child_id = c.id
WHERE {which} ORDER BY e.opened_at, e.id
"""
_LIVING = """
WITH {scope}
SELECT c.home_id, COUNT(*) AS n FROM scope s JOIN child c ON c.id = s.child_id
WHERE c.left_at IS NULL GROUP BY c.home_id
"""


async def _times(
    scope: Scope, roles: Collection[Role], *, about: UUID | None = None, is_here: bool = False
) -> list[Time]:
    """Of the children of a reader in these roles, or of one of them; with `is_here` only what
    happened while the agency had the child."""
    statement = Statement()
    with_scope = scope.cte(statement, roles)
    which = "c.id IN (SELECT child_id FROM scope)"
    if about is not None:
        which = f"c.id = {statement.of(about)}"
    if is_here:
        which += f" AND {was_with(statement.of(scope.agency_id), 'e.opened_at')}"
    since = statement.of(scope.now - max(patterns.COUNTED, WITHIN))
    sql = _TIMES.format(scope=with_scope, since=since, which=which)
    return [
        Time(
            as_id(row["child_id"]),
            as_moment(row["opened_at"]),
            id_or_none(row["home_id"]),
            known_zone(row["zone"] or "UTC"),
        )
        for row in await fetch_aside(sql, statement.params, is_long=True)
    ]


async def _living(scope: Scope) -> Counter[UUID | None]:
    statement = Statement()
    sql = _LIVING.format(scope=scope.cte(statement, _SUPERVISING))
    return Counter(
        {
            id_or_none(row["home_id"]): row["n"]
            for row in await fetch_aside(sql, statement.params, is_long=True)
        }
    )


# --- grab packs

_HELD = """
WITH {scope},
held AS MATERIALIZED (
  SELECT p.child_id, p.field, p.what, p.mark FROM pack_mark p
  WHERE p.agency_id = {agency} AND p.what <> 'version'
  AND (p.child_id IN (SELECT child_id FROM scope){also})
)
SELECT child_id, field, what, mark FROM held WHERE mark IN ({common})
ORDER BY what, mark, child_id
"""
_COMMON = "SELECT mark FROM held GROUP BY mark HAVING COUNT(DISTINCT child_id) > 1"


async def _held(scope: Scope, about: UUID | None = None) -> list[Held]:
    """What several packs have in common, among the children that the reader works with."""
    statement = Statement()
    with_scope = scope.cte(statement, _WORKING)
    child = None if about is None else statement.of(about)
    sql = _HELD.format(
        scope=with_scope,
        agency=statement.of(scope.agency_id),
        also=f" OR p.child_id = {child}" if child else "",
        common=f"SELECT mark FROM held WHERE child_id = {child}" if child else _COMMON,  # noqa: S608
    )
    return [
        Held(as_id(row["child_id"]), Same(row["what"]), row["field"], row["mark"])
        for row in await fetch_aside(sql, statement.params, is_long=True)
    ]


# --- who had the shift

_THEIRS = """
WITH {scope},
theirs AS MATERIALIZED (
  SELECT c.id, c.agency_id, w.zone, CASE WHEN {was_elsewhere} THEN 1 ELSE 0 END AS was_elsewhere
  FROM scope s JOIN child c ON c.id = s.child_id JOIN watch w ON w.child_id = c.id
)
"""
_FROM_ROUNDS = """
FROM theirs c JOIN round r ON r.child_id = c.id AND r.due_at > {since} AND r.due_at <= {until}
WHERE r.late_at <= {now} AND (c.was_elsewhere = 0 OR {was_here})
"""
_DUE = """
SELECT c.zone, r.due_at, COUNT(*) AS asked,
       SUM(CASE WHEN r.state IN ({missed}) THEN 1 ELSE 0 END) AS missed
{rounds} AND r.state IN ({missed}, {kept}) GROUP BY c.zone, r.due_at
"""
# The moments at which check-ins of a shift were missed, to find the children.
_MOMENTS = {
    "sqlite": "SELECT json_extract(value, '$.who') AS who, json_extract(value, '$.zone') AS zone,"
    " json_extract(value, '$.at') AS at FROM json_each({})",
    "postgres": "SELECT * FROM jsonb_to_recordset({}::text::jsonb)"
    " AS x(who text, zone text, at bigint)",
}
_CHILDREN = """
, missed AS MATERIALIZED (
  SELECT DISTINCT c.id, c.zone, {epoch} AS at {rounds} AND r.state IN ({missed})
),
moment AS MATERIALIZED ({moments}),
pair AS (
  SELECT DISTINCT moment.who, missed.id
  FROM missed JOIN moment ON moment.zone = missed.zone AND moment.at = missed.at
)
SELECT who, id FROM (
  SELECT who, id, ROW_NUMBER() OVER (PARTITION BY who ORDER BY id) AS n FROM pair
) AS numbered WHERE n <= {fewest}
"""
_WEEK = timedelta(days=7)


async def _shifts(scope: Scope) -> list[OnShift]:
    """Who had duty when much more was missed than usual, by several children."""
    since, agency_id = scope.now - patterns.COUNTED, scope.agency_id
    rotas = await rotas_of([agency_id], since, scope.now)
    shifts: Sequence[Shift] = duty_shifts_between(rotas[agency_id], since, scope.now)
    rounds: list[Due] = []
    for begin, end in _weeks(since, scope.now) if shifts else ():
        rounds += await _due(scope, begin, end)
    return await _by_several(scope, patterns.by_shift(rounds, shifts))


def _weeks(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Week by week: a statement over all of it would make others wait."""
    while since < until:
        yield since, min(since + _WEEK, until)
        since += _WEEK


async def _by_several(scope: Scope, shifts: Sequence[OnShift]) -> list[OnShift]:
    """Those of these shifts whose check-ins were missed by enough children."""
    children = defaultdict[UUID, set[UUID]](set)

    def is_by_several(shift: OnShift) -> bool:
        return len(children[shift.person_id]) >= FEWEST_CHILDREN

    for begin, end in _weeks(scope.now - patterns.COUNTED, scope.now):
        unclear = [shift for shift in shifts if not is_by_several(shift)]
        for person_id, child_id in await _missed_by(scope, unclear, begin, end):
            children[person_id].add(child_id)
    return [shift for shift in shifts if is_by_several(shift)]


async def _due(scope: Scope, since: datetime, until: datetime) -> list[Due]:
    """The check-ins of a week that were answered in time or missed, by clock and moment."""
    statement = Statement()
    sql = _theirs(scope, statement) + _DUE.format(
        missed=texts(MISSED),
        kept=texts(KEPT),
        rounds=_from_rounds(scope, statement, since, until),
    )
    return [
        Due(as_moment(row["due_at"]), known_zone(row["zone"]), row["asked"], int(row["missed"]))
        for row in await fetch_aside(sql, statement.params, is_long=True)
    ]


async def _missed_by(
    scope: Scope, shifts: Collection[OnShift], since: datetime, until: datetime
) -> list[tuple[UUID, UUID]]:
    """Each of these people with children who missed check-ins of their shifts in a week; never more
    children than are needed to know."""
    moments: list[dict[str, Any]] = [
        {"who": str(shift.person_id), "zone": zone, "at": int(at.timestamp())}
        for shift in shifts
        for zone, at in shift.moments
        if since < at <= until
    ]
    if not moments:
        return []
    statement = Statement()
    sql = _theirs(scope, statement) + _CHILDREN.format(
        epoch=due_epoch(),
        missed=texts(MISSED),
        rounds=_from_rounds(scope, statement, since, until),
        moments=_MOMENTS[dialect()].format(statement.of(to_json(moments))),
        fewest=FEWEST_CHILDREN,
    )
    rows = await fetch_aside(sql, statement.params, is_long=True)
    return [(as_id(row["who"]), as_id(row["id"])) for row in rows]


def _theirs(scope: Scope, statement: Statement) -> str:
    return _THEIRS.format(
        scope=scope.cte(statement, _SUPERVISING),
        was_elsewhere=was_elsewhere(statement.of(scope.agency_id)),
    )


def _from_rounds(scope: Scope, statement: Statement, since: datetime, until: datetime) -> str:
    return _FROM_ROUNDS.format(
        since=statement.of(since),
        until=statement.of(until),
        now=statement.of(scope.now),
        was_here=was_with(statement.of(scope.agency_id), "r.due_at"),
    )
