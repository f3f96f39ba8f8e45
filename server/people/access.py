"""The only way from a request to a child.

`child_for` answers 404 to a visitor without a tie to the child, so that a stranger cannot tell
whether the child exists, and 403 where the tie lacks this right. `Sources` has what it asks of
later rooms. Rights come from ties, from the rota, from a call by an alert and from a broken glass
alone, never from a role in the agency: an administrator without a tie is a stranger to every child.

A call and a glass open only pages that ask for it (`by_call`), so a new page stays shut to both.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID

import msgspec
from starlette.requests import HTTPConnection

from server.audit.actions import Actor, note_all
from server.errors import Denied, NotFound, Unauthenticated
from server.i18n import N_
from server.people.agencies import oversight
from server.people.looks.middleware import leave_none, leave_with_answer
from server.people.looks.recent import not_seen
from server.people.looks.table import ONE_LOOK, look_of
from server.people.models import Child, Tie
from server.people.rules import IN_NEED, Action, AgencyAction, Role, may, may_agency
from server.storage.db import dialect, fetch, write
from server.web.ending import Ending

Roles = frozenset[Role]


class Visitor(Actor, frozen=True, kw_only=True):
    """A person who signed in: an Actor, and what a request needs besides. `role` is the role in the
    agency; their roles for one child come from `child_for`."""

    session_id: UUID
    language: str
    zone: str
    by_cookie: bool = False
    proved_at: datetime | None = None  # When they last proved who they are.
    needs_key: bool = False  # They must set up a second key first.
    idle_s: int | None = None  # Unused for so long, the session ends; None: it does not.
    ending: Ending | None = None  # None: it does not end by itself.

    @property
    def person_id(self) -> UUID:
        """The person. An Actor's id may be missing, a visitor's never is."""
        assert self.id is not None
        return self.id

    @property
    def is_child(self) -> bool:
        """Whether this is a child's session: a child has no tie to themselves, and needs none."""
        return self.role == Role.CHILD


class OnRota(msgspec.Struct, frozen=True):
    """What the rota makes of a person at a moment: on duty, or covering for people on leave."""

    is_on_duty: bool
    covers: frozenset[UUID]


NOTHING = OnRota(is_on_duty=False, covers=frozenset())


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """What the way to a child asks of later rooms: of `auth`, who sent a request and whether a
    session is still valid; of `rota`, what it makes of a person; of `alerts`, the child of each
    open alert that has called a person in an agency, the children whose glass a person has broken
    at a moment, and whether an alert about a child is open."""

    session_of: Callable[[HTTPConnection], Awaitable[Visitor]]
    session_holds: Callable[[UUID, datetime], Awaitable[bool]]
    on_rota: Callable[[UUID, datetime], Awaitable[OnRota]]
    called_about: Callable[[UUID, UUID, Collection[UUID] | None], Awaitable[Mapping[UUID, UUID]]]
    broken_for: Callable[[UUID, UUID, datetime], Awaitable[frozenset[UUID]]]
    is_alerted: Callable[[UUID], Awaitable[bool]]


_sources: Sources


def use_sources(sources: Sources) -> None:
    """Tell this room what answers its questions."""
    global _sources
    _sources = sources


def now_of(request: HTTPConnection) -> datetime:
    """The moment of this request: the clock is read once, and everything in it agrees."""
    if "waymark.now" not in request.scope:
        request.scope["waymark.now"] = request.app.state.clock()
    return cast(datetime, request.scope["waymark.now"])


async def visitor_of(request: HTTPConnection) -> Visitor:
    """Who sent this request. Raises Unauthenticated; looks only once per request."""
    if (visitor := request.scope.get("waymark.visitor")) is None:
        request.scope["waymark.visitor"] = visitor = await _sources.session_of(request)
        # For the frame around every page: who is signed in, and what they may open.
        request.state.visitor = visitor
    if visitor.role == Role.OVERSIGHT and not oversight.opens(request.url.path):
        raise nothing_here()
    return cast(Visitor, visitor)


async def visitor_or_none(request: HTTPConnection) -> Visitor | None:
    """The same, for pages that strangers may open too."""
    try:
        return await visitor_of(request)
    except Unauthenticated:
        return None


async def still_in(request: HTTPConnection) -> bool:
    """Whether the session of this request is valid at this moment: for work that goes on after the
    request was let in. This does not count as use, so an open page keeps no session alive."""
    visitor = await visitor_of(request)
    return await _sources.session_holds(visitor.session_id, request.app.state.clock())


async def still_may(request: HTTPConnection, child_id: UUID, action: Action) -> bool:
    """The same, and whether the visitor may still do this about the child. Leaves no look."""
    if not await still_in(request):
        return False
    visitor, now = await visitor_of(request), request.app.state.clock()
    if not await Child.exists(id=child_id, agency_id=visitor.agency_id):
        return False
    roles = await roles_towards(visitor, child_id, now)
    if may(roles, action):
        return True
    is_there = await _why_by_rota(visitor, child_id, now) is not None
    return is_there and may(roles | {Role.SUPERVISOR}, action)


async def staff_of(request: HTTPConnection) -> Visitor:
    """A member of staff: no page of the desk is for a child's session."""
    visitor = await visitor_of(request)
    if visitor.is_child:
        raise nothing_here()
    return visitor


async def agency_for(request: HTTPConnection, action: AgencyAction) -> Visitor:
    """A visitor who may do this about the agency. Raises Denied."""
    visitor = await staff_of(request)
    if not may_agency(Role(visitor.role), action):
        raise not_yours()
    return visitor


async def child_for(
    request: HTTPConnection,
    child_id: UUID,
    action: Action,
    *,
    at_most_every: timedelta = ONE_LOOK,
    by_call: bool = False,
    alert_id: UUID | None = None,
) -> tuple[Child, Roles]:
    """The child, and what the visitor is to them.

    Raises NotFound without a tie, Denied where no tie has this right. A look of an adult leaves an
    entry that the child can read, once an hour, or `at_most_every`; looks/table.py says which
    request is a look, and at what. A person who is only on duty, or covers for a caseworker on
    leave, leaves one at each thing they do.

    `by_call`: an open alert that called the visitor is enough; with `alert_id`, only that one. So
    is a glass that the visitor broke for this child. Either is a look too.
    """
    visitor, now = await visitor_of(request), now_of(request)
    child = await Child.get_or_none(id=child_id, agency_id=visitor.agency_id)
    if child is None:
        raise nothing_here()
    roles, why = await roles_towards(visitor, child.id, now), None
    if not may(roles, action) and (why := await _why_by_rota(visitor, child.id, now)):
        roles |= {Role.SUPERVISOR}
    usual = f"look:{action}" if why is not None and not visitor.is_child else None
    if by_call and not may(roles, action):
        for role, code in (await _in_need(request, child, action, alert_id)).items():
            roles, usual, why = roles | {role}, look_by_call(action), code
    if not may(roles, action):
        raise not_yours() if roles else nothing_here()
    what = None if visitor.is_child else look_of(request)
    leave = partial(looked, visitor, [child.id], now=now, why=why, at_most_every=at_most_every)
    if usual is not None and (what is None or request.scope.get("method") != "GET"):
        # At once: a page that leaves an entry of its own finds this one, which says why.
        await leave(usual)
    if what is not None:
        leave_with_answer(request, partial(leave, what))
    return child, roles


async def may_read(
    request: HTTPConnection, child_id: UUID, action: Action, **by_call: Any
) -> Roles | None:
    """What the visitor is to the child, if a GET would show them what a write is about to answer
    with; None: the answer says only that it is done, and so it is no look."""
    try:
        _, roles = await child_for(request, child_id, action, **by_call)
    except (NotFound, Denied):
        leave_none(request)
        return None
    return roles


async def desk_child(
    request: HTTPConnection,
    action: Action,
    *,
    at_most_every: timedelta = ONE_LOOK,
    by_call: bool = False,
) -> tuple[Child, Roles]:
    """`child_for` the `child_id` of the path, for a page of the desk, which no child can open."""
    await staff_of(request)
    child_id = request.path_params["child_id"]
    return await child_for(request, child_id, action, at_most_every=at_most_every, by_call=by_call)


async def own_child(request: HTTPConnection, action: Action) -> tuple[Child, Roles]:
    """The child whose session it is: for paths that name no child. NotFound for anyone else."""
    visitor = await visitor_of(request)
    if not visitor.is_child:
        raise nothing_here()
    return await child_for(request, visitor.person_id, action)


async def called_about(
    request: HTTPConnection, among: Collection[UUID] | None = None
) -> Mapping[UUID, UUID]:
    """The open alerts to which the ladder has called the visitor, with the child of each. `among`:
    at least those about these children. A person on duty may be called thousands of times."""
    if (calls := request.scope.get("waymark.called")) is not None:
        return cast(Mapping[UUID, UUID], calls)
    visitor = await visitor_of(request)
    if visitor.is_child or visitor.agency_id is None:
        return {}
    calls = await _sources.called_about(visitor.person_id, visitor.agency_id, among)
    if among is None:
        request.scope["waymark.called"] = calls
    return calls


async def broken_for(request: HTTPConnection) -> frozenset[UUID]:
    """The children whose glass the visitor has broken, as long as that lasts."""
    if "waymark.broken" not in request.scope:
        visitor, broken = await visitor_of(request), frozenset[UUID]()
        if may_agency(Role(visitor.role), AgencyAction.GLASS_BREAK):
            agency_id, now = cast(UUID, visitor.agency_id), now_of(request)
            broken = await _sources.broken_for(visitor.person_id, agency_id, now)
        request.scope["waymark.broken"] = broken
    return cast(frozenset[UUID], request.scope["waymark.broken"])


async def has_broken_glass(request: HTTPConnection, child: Child) -> bool:
    """Whether the visitor has broken the glass for this child, who has not left."""
    return child.left_at is None and child.id in await broken_for(request)


async def is_alerted(child_id: UUID) -> bool:
    """Whether an alert about this child is open."""
    return await _sources.is_alerted(child_id)


def look_by_call(action: Action) -> str:
    """How a look by a call is recorded: acting on an alert and reading it are one."""
    thing = action.value.partition(":")[0]
    # Rooms above record their own looks in the same way: so theirs does not count twice.
    return f"look:{thing}:{'open' if thing == 'pack' else 'see'}"


def is_only_called(roles: Roles, action: Action) -> bool:
    """Whether this right comes from a call or a broken glass alone: then it is limited to what the
    emergency needs."""
    return not may(roles - IN_NEED, action)


async def child_for_ties(request: HTTPConnection, child_id: UUID, action: Action) -> Child:
    """The child, for a visitor who arranges ties: by a tie, or for the whole agency.

    An administrator gets to the ties and no further: this is not `child_for`.
    """
    visitor = await visitor_of(request)
    if not visitor.is_child and may_agency(Role(visitor.role), AgencyAction.TIES_CHANGE):
        child = await Child.get_or_none(id=child_id, agency_id=visitor.agency_id)
        if child is None:
            raise nothing_here()
        if (what := look_of(request)) is not None:
            leave = partial(looked, visitor, [child.id], what, now_of(request))
            leave_with_answer(request, leave)
        return child
    return (await child_for(request, child_id, action))[0]


async def roles_towards(visitor: Visitor, child_id: UUID, now: datetime) -> Roles:
    """What a person is to a child at this moment: the child themselves, or the roles of valid
    ties."""
    if visitor.person_id == child_id:
        return frozenset({Role.CHILD})
    held = Tie.filter(
        Tie.standing_at(now),
        child_id=child_id,
        person_id=visitor.person_id,
        agency_id=visitor.agency_id,
    )
    return frozenset(Role(tie.role) for tie in await held)


async def looked(
    visitor: Visitor,
    child_ids: Iterable[UUID],
    what: str,
    now: datetime,
    *,
    why: str | None = None,
    at_most_every: timedelta = ONE_LOOK,
) -> None:
    """Leave an entry for a look at each of these children; `what` begins with "look".

    One of the same person at the same thing in `at_most_every` is enough. Two such looks at the
    same moment leave one.
    """
    assert what.startswith("look"), "the list of looks finds them by their beginning"
    # Most looks are not the first of their hour: those take one read, and no lock.
    since = now - at_most_every
    if not (wanted := await not_seen(visitor.person_id, child_ids, what, since)):
        return
    async with write():
        if dialect() == "postgres":  # SQLite has one writer at a time as it is.
            key = f"{what} {visitor.person_id}"
            await fetch("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [key])
        wanted = await not_seen(visitor.person_id, wanted, what, since)
        await note_all(visitor, what, wanted, why=why, now=now)


def nothing_here() -> NotFound:
    """The same answer for what does not exist and for what the visitor may not know of."""
    return NotFound(N_("This does not exist, or you do not have access to it."))


def not_yours() -> Denied:
    """A tie, or a role, without this right."""
    return Denied(N_("Your role does not allow this."))


# Why a visitor without a tie came in, as the record of looks says it.
ON_DUTY, COVER, CALLED, GLASS = "on_duty", "cover", "called", "glass"


async def _in_need(
    request: HTTPConnection, child: Child, action: Action, alert_id: UUID | None
) -> Mapping[Role, str]:
    """What an emergency makes of a visitor, and why: called, and with a broken glass where that is
    not enough."""
    given: dict[Role, str] = {}
    if await _is_called(request, child.id, alert_id):
        given[Role.CALLED] = CALLED
    if not may(frozenset(given), action) and await has_broken_glass(request, child):
        given[Role.GLASS] = GLASS
    return given


async def _is_called(request: HTTPConnection, child_id: UUID, alert_id: UUID | None) -> bool:
    calls = await called_about(request, [child_id])
    return child_id in calls.values() if alert_id is None else calls.get(alert_id) == child_id


async def rota_of(request: HTTPConnection) -> OnRota:
    """What the rota makes of the visitor now; looks only once per request."""
    if "waymark.rota" not in request.scope:
        request.scope["waymark.rota"] = await _rota_at(await visitor_of(request), now_of(request))
    return cast(OnRota, request.scope["waymark.rota"])


async def _rota_at(visitor: Visitor, now: datetime) -> OnRota:
    if visitor.is_child:
        return NOTHING
    return await _sources.on_rota(visitor.person_id, now)


async def _why_by_rota(visitor: Visitor, child_id: UUID, now: datetime) -> str | None:
    rota = await _rota_at(visitor, now)
    if rota.is_on_duty:
        return ON_DUTY
    return COVER if child_id in await of_caseworkers(rota.covers, now) else None


async def of_caseworkers(people: Collection[UUID], now: datetime) -> list[UUID]:
    """The children of these caseworkers."""
    if not people:
        return []
    held = Tie.filter(Tie.standing_at(now), person_id__in=list(people), role=Role.CASEWORKER)
    return [cast(UUID, id_) for id_ in await held.values_list("child_id", flat=True)]
