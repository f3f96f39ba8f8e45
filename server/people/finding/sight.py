"""Which children a visitor may see, as part of a statement, so that no list of them is loaded to
show a few. The rights are those of `access.child_for`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.requests import HTTPConnection

from server.people.access import (
    CALLED,
    COVER,
    ON_DUTY,
    Roles,
    called_about,
    look_by_call,
    looked,
    now_of,
    rota_of,
    staff_of,
    visitor_of,
)
from server.people.models import Tie
from server.people.rules import ALLOWED, Action, Role
from server.storage.db import among, as_id, dialect

# How a visitor comes to a child, the nearest way first.
BY_TIE, BY_COVER, BY_DUTY, BY_CALL = range(4)
_WHY = {BY_COVER: COVER, BY_DUTY: ON_DUTY, BY_CALL: CALLED}
# Who may know the home, the caseworker and the file reference; the others know the child by name.
KNOWS = Action.TIES_SEE


@dataclass(frozen=True, slots=True)
class Sight:
    """The ways of one visitor, and the moment for which they hold."""

    person_id: UUID
    agency_id: UUID
    now: datetime
    is_on_duty: bool
    covers: tuple[UUID, ...]
    called: tuple[UUID, ...]

    def params(self) -> list[Any]:
        """$1 to $6 of a statement with `mine()` and `SEEN`."""
        covers, called = list(self.covers), list(self.called)
        return [self.person_id, self.agency_id, self.now, covers, called, self.is_on_duty]


@dataclass(frozen=True, slots=True)
class Seen:
    """A child in a list: by which way, and whether the visitor may know home and caseworker."""

    id: UUID
    way: int
    knows: bool


async def sight_of(request: HTTPConnection) -> Sight:
    """What the visitor of a page of the desk sees. Raises Unauthenticated, NotFound."""
    visitor, now = await staff_of(request), now_of(request)
    assert visitor.agency_id is not None
    rota = await rota_of(visitor, now)
    called = sorted(set((await called_about(request)).values()))
    return Sight(
        visitor.person_id,
        visitor.agency_id,
        now,
        rota.is_on_duty,
        tuple(sorted(rota.covers)),
        tuple(called),
    )


def _named(action: Action) -> str:
    return ", ".join(f"'{role}'" for role in sorted(ALLOWED) if action in ALLOWED[role])


_VALID = "agency_id = $2 AND from_at <= $3 AND (until_at IS NULL OR until_at > $3)"
_CALLED_ABOUT = {
    "sqlite": "SELECT value AS id, 3 AS way, 0 AS knows, 0 AS reads FROM json_each($5)",
    "postgres": "SELECT unnest($5::uuid[]) AS id, 3 AS way, 0 AS knows, 0 AS reads",
}


def mine() -> str:
    """SQL: the children that the visitor comes to by a tie, as a cover or by a call, one row each.
    Duty is not in it: that is every placed child of the agency (`SEEN`)."""
    return f"""
        SELECT id, MIN(way) AS way, MAX(knows) AS knows, MAX(reads) AS reads FROM (
            SELECT child_id AS id, {BY_TIE} AS way,
                CASE WHEN role IN ({_named(KNOWS)}) THEN 1 ELSE 0 END AS knows,
                CASE WHEN role IN ({_named(Action.HISTORY_SEE)}) THEN 1 ELSE 0 END AS reads
            FROM tie WHERE person_id = $1 AND {_VALID} AND role IN ({_named(Action.CHILD_SEE)})
            UNION ALL
            SELECT child_id, {BY_COVER}, 1, 1 FROM tie
            WHERE person_id {among("$4")} AND {_VALID} AND role = '{Role.CASEWORKER}'
            UNION ALL
            {_CALLED_ABOUT[dialect()]}
        ) AS ways GROUP BY id"""  # noqa: S608 - our own codes


# For `child AS c LEFT JOIN mine ON mine.id = c.id`: who is seen, by which way, and what is known.
_IS_BY_DUTY = "($6 AND c.left_at IS NULL)"
SEEN = f"c.agency_id = $2 AND (mine.id IS NOT NULL OR {_IS_BY_DUTY})"
KNOWN = f"(COALESCE(mine.knows, 0) = 1 OR {_IS_BY_DUTY})"
WAY = f"CASE WHEN {_IS_BY_DUTY} AND COALESCE(mine.way, 9) > 2 THEN 2 ELSE mine.way END"


def seen(row: dict[str, Any]) -> Seen:
    """A child from a row with `id`, `way` and `knows`."""
    return Seen(as_id(row["id"]), row["way"], bool(row["knows"]))


async def roles_of(sight: Sight, children: list[Seen]) -> dict[UUID, Roles]:
    """The visitor's roles for these children, as `access.child_for` gives them."""
    further = {BY_COVER: Role.SUPERVISOR, BY_DUTY: Role.SUPERVISOR, BY_CALL: Role.CALLED}
    roles: dict[UUID, Roles] = {
        child.id: frozenset({further[child.way]} if child.way in further else ())
        for child in children
    }
    ties = Tie.filter(
        Tie.standing_at(sight.now), person_id=sight.person_id, child_id__in=list(roles)
    )
    for child_id, role in await ties.values_list("child_id", "role"):
        roles[child_id] |= {Role(role)}
    for child in children:
        if child.knows and child.way == BY_TIE and sight.is_on_duty:
            roles[child.id] |= {Role.SUPERVISOR}
    return roles


async def leave_looks(request: HTTPConnection, children: list[Seen]) -> None:
    """An entry for each child who was shown to a visitor without a tie, as on the board."""
    visitor, now = await visitor_of(request), now_of(request)
    for way, why in _WHY.items():
        ids = [child.id for child in children if child.way == way]
        what = look_by_call(Action.ALERT_SEE) if way == BY_CALL else f"look:{Action.CHILD_SEE}"
        await looked(visitor, ids, what, now, why=why)
