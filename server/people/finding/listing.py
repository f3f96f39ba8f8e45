"""All children that a visitor may see, by home and then by name, in parts. Reads rows only."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from server.people.finding.scope import Scope
from server.people.finding.sight import Seen, mine, seen, sight, then
from server.people.models import Home, Person
from server.storage.db import as_id, fetch_aside
from server.storage.statement import Statement

AT_ONCE = 50
# Names are sealed, so only this process can sort them. More children than these of one home come as
# they came to the agency, the latest first.
MOST_SORTED = 200


class Wanted(msgspec.Struct, frozen=True):
    """Which children: of one home, of one level. Where a filter is set, those whose home and level
    the visitor may not know are left out."""

    home_id: UUID | None = None
    level: str = ""


class Listed(msgspec.Struct, frozen=True):
    """A child in the list, with the name to show."""

    child: Seen
    name: str
    home_id: UUID | None


class Part(msgspec.Struct, frozen=True):
    """One part of the list, and where the next one begins."""

    children: Sequence[Listed]
    count: int
    next_after: int | None
    homes: Sequence[tuple[UUID, str]]  # To choose from.


_LISTED = """
WITH mine AS MATERIALIZED ({mine}), listed AS (
    SELECT c.id, {way} AS way, CASE WHEN {knows} THEN 1 ELSE 0 END AS knows,
        CASE WHEN {knows} THEN c.home_id END AS home_id,
        CASE WHEN {fits} THEN 1 ELSE 0 END AS fits
    FROM {source}
    WHERE {seen} AND c.left_at IS NULL
)
"""


def _listed(scope: Scope, level: str) -> tuple[str, Statement]:
    # By duty every placed child; else only the visitor's own are looked at.
    every = "child c LEFT JOIN mine ON mine.id = c.id"
    source = every if scope.is_on_duty else f"mine {then()} child c ON c.id = mine.id"
    statement = Statement()
    own, parts = mine(scope, statement), sight(scope, statement)
    is_level = "SELECT 1 FROM watch WHERE watch.child_id = c.id AND watch.tier ="
    fits = f"{parts.knows} AND EXISTS ({is_level} {statement.of(level)})" if level else "1 = 1"
    sql = _LISTED.format(
        mine=own, way=parts.way, knows=parts.knows, seen=parts.seen, fits=fits, source=source
    )
    return sql, statement


async def listed(scope: Scope, wanted: Wanted, after: int = 0) -> Part:
    """One part, from that place on."""
    sql, statement = _listed(scope, wanted.level)
    sql += "SELECT home_id, SUM(fits) AS n FROM listed GROUP BY home_id"
    rows = await fetch_aside(sql, statement.params)
    counts = {_id(row["home_id"]): int(row["n"]) for row in rows}
    names = await _home_names([id_ for id_ in counts if id_ is not None])
    order = sorted(counts, key=lambda id_: (id_ is None, names.get(id_, "").casefold(), str(id_)))
    homes = [(id_, names[id_]) for id_ in order if id_ is not None]
    if wanted.home_id is not None:
        order = [id_ for id_ in order if id_ == wanted.home_id]
    count = sum(counts[id_] for id_ in order)
    children = await _children(scope, wanted.level, _spans(order, counts, after))
    return Part(children, count, after + AT_ONCE if after + AT_ONCE < count else None, homes)


class _Span(msgspec.Struct, frozen=True):
    """The children of one home that belong to this part."""

    home_id: UUID | None
    begin: int
    end: int
    is_sorted: bool


def _spans(order: Iterable[UUID | None], counts: dict[UUID | None, int], after: int) -> list[_Span]:
    spans, place = [], 0
    for home_id in order:
        count = counts[home_id]
        begin, end = max(after - place, 0), min(after + AT_ONCE - place, count)
        if begin < end:
            spans.append(_Span(home_id, begin, end, count <= MOST_SORTED))
        place += count
    return spans


async def _children(scope: Scope, level: str, spans: Sequence[_Span]) -> list[Listed]:
    small = [span.home_id for span in spans if span.is_sorted]
    rows = await _of_homes(scope, level, small)
    rows += [
        row for span in spans if not span.is_sorted for row in await _latest(scope, level, span)
    ]
    ids = [as_id(row["id"]) for row in rows]
    names = dict(await Person.filter(id__in=ids).values_list("id", "name"))
    by_home: dict[UUID | None, list[Listed]] = {span.home_id: [] for span in spans}
    for row in rows:
        child = seen(row)
        by_home[_id(row["home_id"])].append(Listed(child, names[child.id], _id(row["home_id"])))
    part: list[Listed] = []
    for span in spans:
        of_home = by_home[span.home_id]
        if span.is_sorted:
            of_home.sort(key=lambda each: (each.name.casefold(), each.child.id))
            of_home = of_home[span.begin : span.end]
        part += of_home
    return part


async def _of_homes(scope: Scope, level: str, homes: Sequence[UUID | None]) -> list[dict[str, Any]]:
    if not homes:
        return []
    sql, statement = _listed(scope, level)
    theirs = statement.among([id_ for id_ in homes if id_ is not None])
    nowhere = " OR home_id IS NULL" if None in homes else ""
    sql += f"SELECT * FROM listed WHERE fits = 1 AND (home_id {theirs}{nowhere})"  # noqa: S608
    return await fetch_aside(sql, statement.params)


async def _latest(scope: Scope, level: str, span: _Span) -> list[dict[str, Any]]:
    sql, statement = _listed(scope, level)
    home = "IS NULL" if span.home_id is None else f"= {statement.of(span.home_id)}"
    limit = f"ORDER BY id DESC LIMIT {span.end - span.begin} OFFSET {span.begin}"
    sql += f"SELECT * FROM listed WHERE fits = 1 AND home_id {home} {limit}"  # noqa: S608
    return await fetch_aside(sql, statement.params)


async def _home_names(ids: Sequence[UUID]) -> dict[UUID | None, str]:
    return dict(await Home.filter(id__in=list(ids)).values_list("id", "name"))


def _id(value: object) -> UUID | None:
    return None if value is None else as_id(value)


_LEFT = """
WITH mine AS MATERIALIZED ({mine})
SELECT c.id, mine.way, mine.knows, c.home_id FROM mine {then} child c ON c.id = mine.id
WHERE c.agency_id = {agency} AND c.left_at IS NOT NULL AND mine.reads = 1
ORDER BY c.left_at DESC, c.id LIMIT {limit} OFFSET {after}
"""


async def left(scope: Scope, after: int = 0) -> Part:
    """The children whose placement has ended and whose history the visitor may still read, the
    latest first."""
    statement = Statement()
    sql = _LEFT.format(
        mine=mine(scope, statement),
        then=then(),
        agency=statement.of(scope.agency_id),
        limit=AT_ONCE + 1,
        after=int(after),
    )
    rows = await fetch_aside(sql, statement.params)
    shown = rows[:AT_ONCE]
    ids = [as_id(row["id"]) for row in shown]
    names = dict(await Person.filter(id__in=ids).values_list("id", "name"))
    children = [Listed(seen(row), names[as_id(row["id"])], None) for row in shown]
    more = after + AT_ONCE if len(rows) > AT_ONCE else None
    return Part(children, len(shown), more, [])
