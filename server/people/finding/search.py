"""Looking up children in the blind index. Reads rows, and writes none."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from server.people.finding.actions import digests, mark
from server.people.finding.rules import START, Term, asked, fits, full_of
from server.people.finding.scope import BY_CALL, Scope
from server.people.finding.sight import Seen, is_small, mine, seen, sight, then
from server.people.models import Home, Person
from server.storage.db import among, as_id, dialect, fetch, to_json
from server.storage.statement import Statement

AT_ONCE = 20
# Of more children than these nobody looks for one: the reader writes more of the name. Only their
# names are opened, and the reader may see each of them.
MOST = 100
BEST_OF_MANY = 4 * MOST
_MOST_EXACT = 20


# In the order of the index: PostgreSQL would expect one row in three, and read the whole table.
_ONE = """
SELECT 1 FROM child WHERE agency_id = $1 AND indexed_by {is_other} ORDER BY indexed_by LIMIT 1
"""
_LACKS = "SELECT COALESCE({}) AS lacks".format(
    ", ".join(f"({_ONE.format(is_other=is_other)})" for is_other in ("IS NULL", "< $2", "> $2"))
)


async def is_prepared(agency_id: UUID) -> bool:
    """Whether every child of the agency is in the index. If not, a search may miss one."""
    [row] = await fetch(_LACKS, [agency_id, mark()])
    return row["lacks"] is None


async def exact(agency_id: UUID, text: str) -> list[UUID]:
    """The placed children of the agency whose whole name or file reference this is, at most 20.
    It asks for no right. Case, accents and marks between words do not matter."""
    if not (full := full_of(text)):
        return []
    wanted = [
        digest for kind in ("full", "reference") for digest in digests(agency_id, Term(kind, full))
    ]
    rows = await fetch(
        f"SELECT child.id FROM search_token {then()} child ON child.id = search_token.about_id"  # noqa: S608
        f" WHERE digest {among()} AND child.agency_id = $2 AND left_at IS NULL"
        f" GROUP BY child.id ORDER BY child.id LIMIT {_MOST_EXACT}",
        [wanted, agency_id],
    )
    return [as_id(row["id"]) for row in rows]


class Hit(msgspec.Struct, frozen=True):
    """A child who was found, with the name to show."""

    child: Seen
    name: str
    has_left: bool


class Hits(msgspec.Struct, frozen=True):
    """One part of what was found, the best first."""

    hits: Sequence[Hit]
    next_after: int | None  # Where the next part begins.
    is_near: bool = False  # None fits; these begin alike.
    is_too_many: bool = False  # More than we sort: the reader writes more of the name.
    is_short: bool = False  # No word was long enough to search for.


async def find(scope: Scope, text: str, after: int = 0, limit: int = AT_ONCE) -> Hits:
    """The children that the visitor may see and that have every word of the text: in their name, in
    the name of their home, or as the whole of their file reference."""
    words = asked(text)
    rows = await _rows(scope, words, full_of(text)) if words else []
    if not rows:
        return Hits([], None, is_short=all(len(word) < START for word in words))
    ranked, is_near = await _ranked(rows[:MOST], words)
    part = ranked[after : after + limit]
    more = after + limit if len(ranked) > after + limit else None
    return Hits(part, more, is_near, is_too_many=len(rows) > MOST)


# What a hit is worth; home and reference count for readers who may know them.
_RANKS = {"word": 4, "start": 3, "home": 2, "home_start": 1, "reference": 8}

_ASKED = {
    "sqlite": "SELECT json_extract(value, '$.n') AS n, json_extract(value, '$.worth') AS worth,"
    " json_extract(value, '$.digest') AS digest, json_extract(value, '$.of_home') AS of_home"
    " FROM json_each({terms})",
    "postgres": "SELECT * FROM jsonb_to_recordset({terms}::text::jsonb)"
    " AS x(n int, worth int, digest text, of_home int)",
}
# By duty the index leads to the children, who are all seen. By ties it is the other way round, so
# that the time it takes tells nothing of children that the visitor does not see. Only where there
# are hundreds of ties it begins at the index as well, since each costs a look-up.
_FROM_INDEX = """
    SELECT token.about_id AS id, asked.n, asked.worth FROM asked
    {then} search_token token ON token.digest = asked.digest WHERE asked.of_home = 0
    UNION ALL
    SELECT child.id, place.n, place.worth FROM (
        SELECT token.about_id, asked.n, MAX(asked.worth) AS worth FROM asked
        {then} search_token token ON token.digest = asked.digest WHERE asked.of_home = 1
        GROUP BY token.about_id, asked.n) AS place
    {then} child ON child.home_id = place.about_id"""
_FROM_CHILDREN = """
    SELECT mine.id, asked.n, asked.worth FROM mine CROSS JOIN asked
    {then} search_token token ON token.digest = asked.digest AND token.about_id = mine.id
    WHERE asked.of_home = 0
    UNION ALL
    SELECT place.id, asked.n, asked.worth FROM place CROSS JOIN asked
    {then} search_token token ON token.digest = asked.digest AND token.about_id = place.home_id
    WHERE asked.of_home = 1"""
_MINE = """mine AS MATERIALIZED ({mine}), """
_PLACE = """
place AS MATERIALIZED (
    SELECT mine.id, child.home_id FROM mine {then} child ON child.id = mine.id
), """
# Not = 1: PostgreSQL would expect one row where there are thousands, and compare each with each.
_FIT = """
fit AS MATERIALIZED (
    SELECT id, {worth} AS worth, CASE WHEN {by_name} THEN 1 ELSE 0 END AS by_name
    FROM ({hits}) AS hit GROUP BY id HAVING {every}
)"""
_BEST = "MAX(CASE WHEN n = {n} THEN worth ELSE 0 END)"
# Of thousands who fit, rights are looked up for the best ones, and for the others only where the
# reader may see too few of these. Those who have left come last, so they fill no place.
_BEST_FIRST = """
first AS MATERIALIZED (SELECT * FROM fit ORDER BY worth DESC, id DESC LIMIT {most}),
mine AS MATERIALIZED ({mine}), best AS MATERIALIZED ({best}),
rest AS MATERIALIZED (
    SELECT * FROM fit WHERE (SELECT COUNT(*) FROM best WHERE left_at IS NULL) <= {enough}
    AND id NOT IN (SELECT id FROM first)
), mine_of_rest AS MATERIALIZED ({mine_of_rest})"""
_SEEN = """
SELECT c.id, c.home_id, c.left_at, fit.worth, {way} AS way,
    CASE WHEN {knows} THEN 1 ELSE 0 END AS knows
FROM {fit} AS fit {then} child c ON c.id = fit.id LEFT JOIN {mine} AS mine ON mine.id = c.id
WHERE {seen} AND (fit.by_name = 1 OR {knows})
    AND (c.left_at IS NULL OR mine.reads = 1 OR mine.way = {by_call} OR {by_duty})
"""
_ROWS = """
WITH asked AS MATERIALIZED ({asked}), {ctes}
SELECT * FROM ({seen}) AS seen
ORDER BY CASE WHEN left_at IS NULL THEN 0 ELSE 1 END, worth DESC, id DESC LIMIT {limit}
"""


async def _rows(scope: Scope, words: Sequence[str], full: str) -> list[dict[str, Any]]:
    from_children, statement = await is_small(scope), Statement()
    fit = _fit(_FROM_CHILDREN if from_children else _FROM_INDEX, len(words))
    if from_children:
        ctes = _MINE.format(mine=mine(scope, statement)) + f"{_PLACE}{fit}".format(then=then())
        seen = _seen(scope, statement, "fit", "mine")
    else:
        ctes = f"{fit.format(then=then())}, {_best_first(scope, statement)}"
        rest = _seen(scope, statement, "rest", "mine_of_rest")
        seen = f"SELECT * FROM best UNION ALL {rest}"  # noqa: S608
    terms = statement.of(to_json([*_terms(scope.agency_id, words, full)]))
    asked = _ASKED[dialect()].format(terms=terms)
    sql = _ROWS.format(asked=asked, ctes=ctes, seen=seen, limit=MOST + 1)
    return await fetch(sql, statement.params)


def _best_first(scope: Scope, statement: Statement) -> str:
    return _BEST_FIRST.format(
        most=BEST_OF_MANY,
        enough=MOST,
        mine=mine(scope, statement, "first"),
        best=_seen(scope, statement, "first", "mine"),
        mine_of_rest=mine(scope, statement, "rest"),
    )


def _seen(scope: Scope, statement: Statement, fit: str, own: str) -> str:
    """Those of `fit` that the visitor may see. `own`: the table with the ways to them."""
    parts = sight(scope, statement)
    return _SEEN.format(
        fit=fit,
        mine=own,
        then=then(),
        way=parts.way,
        knows=parts.knows,
        seen=parts.seen,
        by_duty=parts.by_duty,
        by_call=BY_CALL,
    )


def _fit(hits: str, words: int) -> str:
    """The children with a hit for every word."""
    best = [_BEST.format(n=n) for n in range(words)]
    return _FIT.format(
        hits=hits,
        worth=" + ".join(best),
        by_name=" AND ".join(f"{worth} IN (4, 3)" for worth in best),
        every=" AND ".join(f"{worth} > 0" for worth in best),
    )


def _terms(agency_id: UUID, words: Sequence[str], full: str) -> list[dict[str, Any]]:
    """The digests to look up: of each word, under each key, in each thing that it may be."""
    terms = []
    for n, word in enumerate(words):
        kinds = [("word", word), ("home", word), ("reference", full)]
        if len(word) >= START:
            kinds += [("start", word[:START]), ("home_start", word[:START])]
        for kind, text in kinds:
            worth, of_home = _RANKS[kind], int(kind.startswith("home"))
            for digest in digests(agency_id, Term(kind, text)):
                terms.append({"n": n, "worth": worth, "digest": digest, "of_home": of_home})
    return terms


async def _ranked(rows: Sequence[dict[str, Any]], words: Sequence[str]) -> tuple[list[Hit], bool]:
    """Those of which a word of the name or home begins with each word; or, where there are none,
    those that begin with the same letters. Whole words come first, then by name."""
    ids = [as_id(row["id"]) for row in rows]
    names = dict(await Person.filter(id__in=ids).values_list("id", "name"))
    homes = await _homes(rows)
    hits = []
    for row in rows:
        name = names[as_id(row["id"])]
        home = homes.get(str(row["home_id"]), "") if row["knows"] else ""
        is_whole = row["worth"] >= _RANKS["word"] * len(words)
        is_fit = is_whole or fits(words, [name, home])
        order = (row["left_at"] is not None, -row["worth"], name.casefold())
        hits.append((is_fit, order, Hit(seen(row), name, row["left_at"] is not None)))
    is_near = not any(is_fit for is_fit, _, _ in hits)
    shown = [(order, hit) for is_fit, order, hit in hits if is_fit or is_near]
    return [hit for _, hit in sorted(shown, key=lambda pair: pair[0])], is_near


async def _homes(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    ids = list({as_id(row["home_id"]) for row in rows if row["home_id"] and row["knows"]})
    held = await Home.filter(id__in=ids).values_list("id", "name")
    return {str(id_): name for id_, name in held}
