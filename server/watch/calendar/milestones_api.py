"""The calendar of a child over the API: days around which the watch is tighter.

A child reads only what they already know about themselves: they must not learn from the phone of a
decision that no adult has told them about. The people who may set the tier read and write
everything.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict, IdReused
from server.people.access import child_for, now_of, own_child, visitor_of
from server.people.rules import Action, Role, may
from server.watch.calendar import milestone_actions
from server.watch.calendar.milestone_actions import MilestoneRequest
from server.watch.calendar.milestones import What, around
from server.watch.calendar.models import Milestone
from server.watch.rhythm import summary
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class MilestoneOut(msgspec.Struct):
    """A day of the calendar. From `from_at` to before `until_at` the watch is tighter because of
    it; null if it is as tight anyway, or where a person has set another tier since."""

    id: UUID
    what: What
    day: date
    from_at: datetime | None
    until_at: datetime | None
    child_knows: bool


class MilestonesOut(msgspec.Struct):
    """Those days that are not over, the first first."""

    milestones: list[MilestoneOut]


class KnownRequest(msgspec.Struct):
    """Whether the child knows of the day."""

    child_knows: bool


async def own(request: Request) -> Response:
    """My days to come."""
    child, roles = await own_child(request, Action.RHYTHM_SEE)
    return await _all(child.id, roles, now_of(request))


async def show(request: Request) -> Response:
    """The days of the calendar."""
    child, roles = await child_for(request, request.path_params["child_id"], Action.RHYTHM_SEE)
    return await _all(child.id, roles, now_of(request))


async def mark(request: Request) -> Response:
    """One day more."""
    payload = await json_body(request, MilestoneRequest)
    child, _ = await child_for(request, request.path_params["child_id"], Action.TIER_SET)
    visitor, now = await visitor_of(request), now_of(request)
    made = await milestone_actions.mark(visitor, child.id, payload, now)
    return await _one(made, now, status=201)


async def say_known(request: Request) -> Response:
    """Whether the child knows of the day."""
    payload = await json_body(request, KnownRequest)
    child, _ = await child_for(request, request.path_params["child_id"], Action.TIER_SET)
    visitor, now, id_ = await visitor_of(request), now_of(request), _id(request)
    return await _one(
        await milestone_actions.say_known(visitor, child.id, id_, payload.child_knows, now), now
    )


async def take_back(request: Request) -> Response:
    """It was wrong, or is off."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.TIER_SET)
    await milestone_actions.take_back(
        await visitor_of(request), child.id, _id(request), now_of(request)
    )
    return Response(status_code=204)


def _id(request: Request) -> UUID:
    milestone_id: UUID = request.path_params["milestone_id"]
    return milestone_id


async def _all(child_id: UUID, roles: frozenset[Role], now: datetime) -> Response:
    rows = Milestone.filter(child_id=child_id, until_at__gt=now, ended_at__isnull=True)
    if not may(roles - {Role.CHILD}, Action.TIER_SET):
        rows = rows.filter(known_at__isnull=False)
    return json_answer(MilestonesOut(await _listed(await rows.order_by("on_day", "id"), now)))


async def _one(row: Milestone, now: datetime, *, status: int = 200) -> Response:
    # It may have begun to count as soon as it was marked.
    return json_answer((await _listed([await Milestone.get(id=row.id)], now))[0], status=status)


async def _listed(rows: Sequence[Milestone], now: datetime) -> list[MilestoneOut]:
    case = await summary.case_of(rows[0].child_id, now) if rows else None
    milestones = []
    for row in rows:
        span = None
        if case is not None and row.ended_at is None and milestone_actions.tightens(row, case, now):
            span = around(case.policy.milestones, What(row.what), row.on_day, case.terms.zone)
        milestones.append(
            MilestoneOut(
                id=row.id,
                what=What(row.what),
                day=row.on_day,
                from_at=span.begin if span is not None else None,
                until_at=row.until_at if span is not None else None,
                child_knows=row.known_at is not None,
            )
        )
    return milestones


_CHILD = "/api/v1/children/{child_id:uuid}/milestones"
_ONE = f"{_CHILD}/{{milestone_id:uuid}}"

routes = [
    api("GET", "/api/v1/milestones", own, "What lies ahead of me", gives={200: MilestonesOut}),
    api("GET", _CHILD, show, "The calendar of a child", gives={200: MilestonesOut}),
    api(
        "POST",
        _CHILD,
        mark,
        "Write a day into the calendar",
        takes=MilestoneRequest,
        gives={201: MilestoneOut},
        problems=(Conflict, IdReused),
    ),
    api(
        "PATCH",
        _ONE,
        say_known,
        "Say whether the child knows of a day",
        takes=KnownRequest,
        gives={200: MilestoneOut},
    ),
    api("DELETE", _ONE, take_back, "Take a day of the calendar back", gives={204: None}),
]
