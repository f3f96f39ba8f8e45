"""The children of a list as its reader may know them: by which way the reader comes to each, and
whether they may know the home, the caseworker and the file reference."""

from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import HTTPConnection

from server.people.access import (
    CALLED,
    COVER,
    ON_DUTY,
    Roles,
    look_by_call,
    looked,
    now_of,
    visitor_of,
)
from server.people.finding.scope import BY_CALL, BY_COVER, BY_DUTY, BY_TIE, Scope, who_may
from server.people.models import Tie
from server.people.rules import ALLOWED, Action, Role
from server.storage.db import as_id, dialect
from server.storage.statement import Statement

_WHY = {BY_COVER: COVER, BY_DUTY: ON_DUTY, BY_CALL: CALLED}
_FEW = 200
# Who finds a child at all.
_FINDING = who_may(Action.CHILD_SEE) | {Role.CALLED}
# Who may know the home, the caseworker and the file reference; the others know the child by name.
_KNOWING = Action.TIES_SEE


class Seen(msgspec.Struct, frozen=True):
    """A child in a list: by which way, and whether the visitor may know home and caseworker."""

    id: UUID
    way: int
    knows: bool


def _named(action: Action) -> str:
    return ", ".join(f"'{role}'" for role in sorted(ALLOWED) if action in ALLOWED[role])


def then() -> str:
    """How to join a table that is looked up for each row before it. SQLite keeps the order of a
    CROSS JOIN; with any other it may go through the whole table first."""
    return "CROSS JOIN" if dialect() == "sqlite" else "JOIN"


def mine(scope: Scope, statement: Statement, of: str = "") -> str:
    """SQL: the children that the visitor comes to by another way than duty, one row each. `of`:
    only of those in this table."""
    return f"""
        SELECT child_id AS id, MIN(way) AS way,
            MAX(CASE WHEN role IN ({_named(_KNOWING)}) THEN 1 ELSE 0 END) AS knows,
            MAX(CASE WHEN role IN ({_named(Action.HISTORY_SEE)}) THEN 1 ELSE 0 END) AS reads
        FROM ({scope.ways(statement, _FINDING, of)}) AS ways GROUP BY child_id"""  # noqa: S608 - our own codes


class Sight(msgspec.Struct, frozen=True):
    """Parts of a statement with `child c LEFT JOIN mine ON mine.id = c.id`: which children are
    seen, by which way, and of which the home and the caseworker may be shown."""

    seen: str
    knows: str
    way: str
    by_duty: str


def sight(scope: Scope, statement: Statement) -> Sight:
    """What the person of this scope sees."""
    agency, by_duty = statement.of(scope.agency_id), scope.by_duty(statement)
    return Sight(
        seen=f"c.agency_id = {agency} AND (mine.id IS NOT NULL OR {by_duty})",
        knows=f"(COALESCE(mine.knows, 0) = 1 OR {by_duty})",
        way=f"CASE WHEN {by_duty} AND COALESCE(mine.way, 9) > {BY_DUTY} THEN {BY_DUTY}"
        " ELSE mine.way END",
        by_duty=by_duty,
    )


async def is_small(scope: Scope) -> bool:
    """Whether it is quicker to go from the visitor's children to the index than the other way."""
    if scope.is_on_duty:
        return False
    people = [scope.person_id, *scope.covers]
    held = Tie.filter(Tie.standing_at(scope.now), person_id__in=people).limit(_FEW + 1)
    return len(await held.values_list("id", flat=True)) <= _FEW


def seen(row: dict[str, Any]) -> Seen:
    """A child from a row with `id`, `way` and `knows`."""
    return Seen(as_id(row["id"]), row["way"], bool(row["knows"]))


async def roles_of(scope: Scope, children: list[Seen]) -> dict[UUID, Roles]:
    """The visitor's roles for these children, as `access.child_for` gives them."""
    further = {BY_COVER: Role.SUPERVISOR, BY_DUTY: Role.SUPERVISOR, BY_CALL: Role.CALLED}
    roles: dict[UUID, Roles] = {
        child.id: frozenset({further[child.way]} if child.way in further else ())
        for child in children
    }
    ties = Tie.filter(
        Tie.standing_at(scope.now), person_id=scope.person_id, child_id__in=list(roles)
    )
    for child_id, role in await ties.values_list("child_id", "role"):
        roles[child_id] |= {Role(role)}
    for child in children:
        if child.knows and child.way == BY_TIE and scope.is_on_duty:
            roles[child.id] |= {Role.SUPERVISOR}
    return roles


async def leave_looks(request: HTTPConnection, children: list[Seen]) -> None:
    """An entry for each child who was shown to a visitor without a tie, as on the board."""
    visitor, now = await visitor_of(request), now_of(request)
    for way, why in _WHY.items():
        ids = [child.id for child in children if child.way == way]
        what = look_by_call(Action.ALERT_SEE) if way == BY_CALL else f"look:{Action.CHILD_SEE}"
        await looked(visitor, ids, what, now, why=why)
