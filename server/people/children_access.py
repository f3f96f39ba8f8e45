"""From a request to all children about which the visitor may do something.

What `access` is for one child; the rights are the same.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple, cast
from uuid import UUID

from starlette.requests import HTTPConnection
from tortoise.expressions import Q

from server.people.access import (
    CALLED,
    COVER,
    GLASS,
    ON_DUTY,
    Roles,
    Visitor,
    broken_for,
    called_about,
    look_by_call,
    looked,
    now_of,
    of_caseworkers,
    rota_of,
    visitor_of,
)
from server.people.looks.table import ONE_LOOK
from server.people.models import Child
from server.people.rules import IN_NEED, Action, Role, may
from server.storage.db import among as in_list
from server.storage.db import as_id, fetch


async def children_for(
    request: HTTPConnection,
    action: Action,
    *,
    also: Collection[UUID] = (),
    among: Collection[UUID] | None = None,
    at_most_every: timedelta = ONE_LOOK,
    by_call: bool = False,
) -> dict[UUID, Roles]:
    """Every child (or every one of `among`) about which the visitor may do this, and the visitor's
    roles for that child.

    For a visitor on duty: every placed child of the agency, and those in `also`; it leaves an entry
    for each one without a tie (once an hour, or as `at_most_every` says: a board refreshes itself).
    For the cover of a caseworker on leave: that caseworker's children. `by_call`: also children
    about which an open alert has called the visitor (`called_about` says which alerts may be
    shown), and those whose glass the visitor has broken.
    """
    visitor, now = await visitor_of(request), now_of(request)
    among = None if among is None else frozenset(among)
    roles_by_child = await _by_ties(visitor, now, among)
    ways = _further_ways(request, visitor, also, among=among, by_call=by_call, action=action)
    for way in await ways:
        wanted = [id_ for id_ in way.children if among is None or id_ in among]
        new = [id_ for id_ in wanted if not may(roles_by_child.get(id_, frozenset()), action)]
        for id_ in new if way.role in IN_NEED else wanted:
            roles_by_child[id_] = roles_by_child.get(id_, frozenset()) | {way.role}
        await looked(visitor, new, way.look, now, why=way.why, at_most_every=at_most_every)
    return {
        id_: roles
        for id_, roles in roles_by_child.items()
        if may(roles, action) and (among is None or id_ in among)
    }


class _Way(NamedTuple):
    """How a visitor comes to children without a tie."""

    why: str
    role: Role
    look: str
    children: Collection[UUID]


async def _further_ways(
    request: HTTPConnection,
    visitor: Visitor,
    also: Collection[UUID],
    *,
    among: Collection[UUID] | None,
    by_call: bool,
    action: Action,
) -> list[_Way]:
    now, look = now_of(request), f"look:{action}"
    rota = await rota_of(request)
    placed = await _placed(visitor, also, among) if rota.is_on_duty else []
    ways = [
        _Way(COVER, Role.SUPERVISOR, look, await of_caseworkers(rota.covers, now)),
        _Way(ON_DUTY, Role.SUPERVISOR, look, placed),
    ]
    # The glass comes first: it opens every alert about the child, and a call opens only its own.
    if by_call and may(frozenset({Role.GLASS}), action):
        broken = await _here(visitor, await broken_for(request))
        ways.append(_Way(GLASS, Role.GLASS, look_by_call(action), broken))
    if by_call and may(frozenset({Role.CALLED}), action):
        called = set((await called_about(request, among)).values())
        ways.append(_Way(CALLED, Role.CALLED, look_by_call(action), called))
    return ways


async def children_by_ties(request: HTTPConnection) -> dict[UUID, Roles]:
    """The children to which the visitor has ties, whatever the rota says. Leaves no look."""
    return await _by_ties(await visitor_of(request), now_of(request), None)


# As Tie.standing_at. By hand, since each board and each list asks it.
_TIES = """
SELECT child_id, role FROM tie WHERE person_id = $1 AND agency_id = $2
AND from_at <= $3 AND (until_at IS NULL OR until_at > $3)
"""


async def _by_ties(
    visitor: Visitor, now: datetime, among: Collection[UUID] | None
) -> dict[UUID, Roles]:
    if visitor.is_child:
        return {visitor.person_id: frozenset({Role.CHILD})}
    sql = _TIES
    params: list[object] = [visitor.person_id, visitor.agency_id, now]
    if among is not None:
        sql += f" AND child_id {in_list('$4')}"
        params.append(list(among))
    roles_by_child: dict[UUID, Roles] = {}
    for row in await fetch(sql, params):
        child_id = as_id(row["child_id"])
        roles_by_child[child_id] = roles_by_child.get(child_id, frozenset()) | {Role(row["role"])}
    return roles_by_child


async def _here(visitor: Visitor, ids: Collection[UUID]) -> list[UUID]:
    """Those of these children who are placed in the agency."""
    if not ids:
        return []
    here = Child.filter(id__in=list(ids), agency_id=visitor.agency_id, left_at__isnull=True)
    return [cast(UUID, id_) for id_ in await here.values_list("id", flat=True)]


async def _placed(
    visitor: Visitor, also: Collection[UUID], among: Collection[UUID] | None
) -> list[UUID]:
    is_here = Q(left_at__isnull=True) | Q(id__in=list(also))
    here = Child.filter(is_here, agency_id=visitor.agency_id)
    if among is not None:
        here = here.filter(id__in=list(among))
    return [cast(UUID, id_) for id_ in await here.values_list("id", flat=True)]
