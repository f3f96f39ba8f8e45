"""Looking up children in the blind index. Reads rows, and writes none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from server.people.finding.actions import digests, input_of, mark
from server.people.finding.rules import START, Term, asked, fits, full_of
from server.people.finding.sight import KNOWN, SEEN, WAY, Seen, Sight, mine, seen
from server.people.models import Home, Person
from server.security import encryption
from server.storage.db import among, as_id, dialect, fetch, to_json

AT_ONCE = 20
# Of more children than these nobody looks for one: the reader writes more of the name. Only their
# names are opened, and the reader may see each of them.
MOST = 100
_MOST_EXACT = 20


async def is_prepared(agency_id: UUID) -> bool:
    """Whether every child of the agency is in the index. If not, a search may miss one."""
    [row] = await fetch(
        "SELECT EXISTS (SELECT 1 FROM child WHERE agency_id = $1 AND (indexed_by IS NULL"
        " OR indexed_by < $2 OR indexed_by > $2)) AS lacks",
        [agency_id, mark()],
    )
    return not row["lacks"]


async def exact(agency_id: UUID, text: str) -> list[UUID]:
    """The placed children of the agency whose whole name or file reference this is, at most 20.
    It asks for no right. Case, accents and marks between words do not matter."""
    if not (full := full_of(text)):
        return []
    names = digests(agency_id, Term("full", full))
    rows = await fetch(
        f"SELECT id FROM child WHERE agency_id = $1 AND left_at IS NULL AND (reference_index"  # noqa: S608
        f" {among('$2')} OR id IN (SELECT about_id FROM search_token WHERE digest"
        f" {among('$3')})) ORDER BY id LIMIT {_MOST_EXACT}",
        [agency_id, _references(agency_id, full), names],
    )
    return [as_id(row["id"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Hit:
    """A child who was found, with the name to show."""

    child: Seen
    name: str
    has_left: bool


@dataclass(frozen=True, slots=True)
class Hits:
    """One part of what was found, the best first."""

    hits: Sequence[Hit]
    next_after: int | None  # Where the next part begins.
    is_near: bool = False  # None fits; these begin alike.
    is_too_many: bool = False  # More than we sort: the reader writes more of the name.
    is_short: bool = False  # No word was long enough to search for.


async def find(sight: Sight, text: str, after: int = 0, limit: int = AT_ONCE) -> Hits:
    """The children that the visitor may see and that have every word of the text: in their name, in
    the name of their home, or as the whole of their file reference."""
    words = asked(text)
    rows = await _rows(sight, words, full_of(text)) if words else []
    if not rows:
        return Hits([], None, is_short=all(len(word) < START for word in words))
    ranked, is_near = await _ranked(rows[:MOST], words)
    part = ranked[after : after + limit]
    more = after + limit if len(ranked) > after + limit else None
    return Hits(part, more, is_near, is_too_many=len(rows) > MOST)


# What a hit is worth; home and reference count for readers who may know them.
_RANKS = {"word": 4, "start": 3, "home": 2, "home_start": 1, "reference": 8}
_CHILD, _HOME, _FILE = range(3)

_ASKED = {
    "sqlite": "SELECT json_extract(value, '$.n') AS n, json_extract(value, '$.worth') AS worth,"
    " json_extract(value, '$.digest') AS digest, json_extract(value, '$.of') AS what"
    " FROM json_each($7)",
    "postgres": "SELECT n, worth, digest, of AS what FROM jsonb_to_recordset($7::text::jsonb)"
    " AS x(n int, worth int, digest text, of int)",
}
# By duty the index leads to the children, who are all seen. By ties it is the other way round: what
# the search does, and how long it takes, depends on no child that the visitor does not see.
_FROM_INDEX = """
    SELECT token.about_id AS id, asked.n, asked.worth FROM asked
    JOIN search_token token ON token.digest = asked.digest WHERE asked.what = 0
    UNION ALL
    SELECT child.id, asked.n, asked.worth FROM asked
    JOIN search_token token ON token.digest = asked.digest
    JOIN child ON child.home_id = token.about_id WHERE asked.what = 1
    UNION ALL
    SELECT child.id, asked.n, asked.worth FROM asked
    JOIN child ON child.reference_index = asked.digest WHERE asked.what = 2"""
_FROM_CHILDREN = """
    SELECT mine.id, asked.n, asked.worth FROM mine CROSS JOIN asked
    JOIN search_token token ON token.digest = asked.digest AND token.about_id = mine.id
    WHERE asked.what = 0
    UNION ALL
    SELECT mine.id, asked.n, asked.worth FROM mine CROSS JOIN asked
    JOIN child ON child.id = mine.id
    JOIN search_token token ON token.digest = asked.digest AND token.about_id = child.home_id
    WHERE asked.what = 1
    UNION ALL
    SELECT mine.id, asked.n, asked.worth FROM mine CROSS JOIN asked
    JOIN child ON child.id = mine.id AND child.reference_index = asked.digest
    WHERE asked.what = 2"""
_FOUND = """
WITH asked AS ({asked}), mine AS ({mine}),
best AS (SELECT id, n, MAX(worth) AS worth FROM ({hits}) AS hit GROUP BY id, n),
fit AS (
    SELECT id, SUM(worth) AS worth, MIN(CASE WHEN worth IN (4, 3) THEN 1 ELSE 0 END) AS by_name
    FROM best GROUP BY id HAVING COUNT(*) = $8
)
SELECT c.id, c.home_id, c.left_at, fit.worth, {way} AS way,
    CASE WHEN {known} THEN 1 ELSE 0 END AS knows
FROM fit JOIN child c ON c.id = fit.id LEFT JOIN mine ON mine.id = c.id
WHERE {seen} AND (fit.by_name = 1 OR {known})
ORDER BY CASE WHEN c.left_at IS NULL THEN 0 ELSE 1 END, fit.worth DESC, c.id DESC LIMIT {limit}
"""


async def _rows(sight: Sight, words: Sequence[str], full: str) -> list[dict[str, Any]]:
    sql = _FOUND.format(
        asked=_ASKED[dialect()],
        mine=mine(),
        hits=_FROM_INDEX if sight.is_on_duty else _FROM_CHILDREN,
        way=WAY,
        known=KNOWN,
        seen=SEEN,
        limit=MOST + 1,
    )
    terms = to_json([*_terms(sight.agency_id, words, full)])
    return await fetch(sql, [*sight.params(), terms, len(words)])


def _terms(agency_id: UUID, words: Sequence[str], full: str) -> list[dict[str, Any]]:
    """The digests to look up: of each word, under each key, in each thing that it may be."""
    terms = []
    for n, word in enumerate(words):
        kinds = [("word", word, _CHILD), ("home", word, _HOME)]
        if len(word) >= START:
            kinds += [("start", word[:START], _CHILD), ("home_start", word[:START], _HOME)]
        for kind, text, of in kinds:
            for digest in digests(agency_id, Term(kind, text)):
                terms.append({"n": n, "worth": _RANKS[kind], "digest": digest, "of": of})
        for digest in _references(agency_id, full):
            terms.append({"n": n, "worth": _RANKS["reference"], "digest": digest, "of": _FILE})
    return terms


def _references(agency_id: UUID, full: str) -> list[str]:
    return encryption.current().blinds(input_of(agency_id, Term("reference", full)))


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
