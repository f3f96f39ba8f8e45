"""Check-ins over the API: the child's own, and those that an adult gives for a child."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.auth.cookies import phone_of, token_of
from server.checkin.actions import record
from server.checkin.fast import FastLane
from server.checkin.models import CheckIn
from server.checkin.reading import to_be_read
from server.checkin.rules import LONGEST_NOTE, Answer, How, Want, content
from server.checkin.slow_lane import Kept, SlowLane
from server.errors import IdReused, Unavailable
from server.people.access import child_for, now_of, own_child, visitor_of
from server.people.models import Child
from server.people.reads.actions import Kind
from server.people.reads.reading import ReadOut, read_by, shows
from server.people.rules import Action, Role
from server.policy.levels import Way
from server.security import encryption
from server.security.encryption import hash_token
from server.tracing import span
from server.web.answer_times import Timed
from server.web.openapi import api, query_of
from server.web.requests import json_body
from server.web.responses import json_answer

MOST = 200


class CheckInRequest(msgspec.Struct, forbid_unknown_fields=False):
    """One answer. The phone makes the id; sending it again changes nothing.

    With a call for help, `how` says how the child wants to be met, and `who` which adult they would
    like best. Both are wishes: they never decide whether we call an adult. `sent_at`: what the
    phone's own clock says as it sends this. It tells an old answer from a wrong clock, and may
    differ each time the same answer is sent. `confirmed_at`: we
    confirmed the answer at that moment, and the phone hands it in again because `/api/v1/me` shows
    another epoch; it counts as of that moment.
    """

    id: UUID
    said_at: Annotated[datetime, msgspec.Meta(tz=True)]
    mood: Annotated[int, msgspec.Meta(ge=1, le=5)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)] | None = None
    want: Want = Want.NOTHING
    mark: Literal["a", "b"] = "a"
    how: How | None = None
    who: UUID | None = None
    confirmed_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Received(msgspec.Struct):
    """What the server did with an answer: the same body each time it is sent. Nothing is due once
    the placement has ended. `is_old`: a check-in has opened since it was said, so it does not tell
    how the child is now: the phone asks again."""

    id: UUID
    received_at: datetime
    next_due_at: datetime | None
    standing: Literal["well", "due", "late"]
    is_old: bool = False


class CheckInOut(msgspec.Struct):
    """An answer as it was said. `said_at`: by the phone's clock; `spoken_at`: by ours, null where
    we cannot know. `by_role`: the role that gave it; `by_way`: how it came to us; `is_late`: it
    settled a late round; `is_old`: it came too late to tell how the child was then. `read`: which
    workers of the child read it, the first one first; only the child sees that."""

    id: UUID
    said_at: datetime
    spoken_at: datetime | None
    received_at: datetime
    by_role: Role
    by_way: Way
    mood: int | None
    note: str | None
    want: Want
    how: How | None
    who: UUID | None
    is_late: bool
    is_early: bool
    is_old: bool
    read: list[ReadOut] | msgspec.UnsetType = msgspec.UNSET


class CheckInsOut(msgspec.Struct):
    """Answers, the newest first."""

    check_ins: list[CheckInOut]


async def check_in(request: Request) -> Response:
    """The child says something."""
    payload = await json_body(request, CheckInRequest)
    answer = _answer(payload)
    # From here on it is our time; until here it was the phone's network.
    with Timed(request.app.state.check_in_times), span("check_in"):
        return await _take(request, answer)


async def _take(request: Request, answer: Answer) -> Response:
    with span("check_in.lanes"):
        kept = await _by_a_lane(request, answer)
    if kept is not None:
        return json_answer(kept.answer, status=201 if kept.is_new else 200)
    child, _ = await own_child(request, Action.CHECK_IN)
    with span("check_in.record"):
        return await _record(request, child, Role.CHILD, answer)


async def _by_a_lane(request: Request, answer: Answer) -> Kept | None:
    """What a lane made of the answer, together with those of other children; None: neither took
    it."""
    lanes: tuple[FastLane, SlowLane] | None = getattr(request.app.state, "lanes", None)
    token, _ = token_of(request)
    if token is None or lanes is None or answer.confirmed_at is not None:
        return None
    sent = (hash_token(token), phone_of(request), answer, encryption.blind(content(answer)))
    fast, slow = lanes
    body = await fast.take(*sent)
    return Kept(body, is_new=True) if body is not None else await slow.take(*sent)


async def check_in_for(request: Request) -> Response:
    """A caseworker or carer answers for a child who has no phone; it is marked as theirs."""
    payload = await json_body(request, CheckInRequest)
    child, roles = await child_for(request, request.path_params["child_id"], Action.CHECK_IN_FOR)
    role = Role.CASEWORKER if Role.CASEWORKER in roles else Role.CARER
    return await _record(request, child, role, _answer(payload))


def _answer(payload: CheckInRequest) -> Answer:
    return Answer(
        id=payload.id,
        said_at=payload.said_at,
        mood=payload.mood,
        note=payload.note,
        want=payload.want,
        mark=payload.mark,
        how=payload.how,
        who=payload.who,
        confirmed_at=payload.confirmed_at,
        sent_at=payload.sent_at,
    )


async def _record(request: Request, child: Child, role: Role, answer: Answer) -> Response:
    visitor = await visitor_of(request)
    kept, is_new = await record(visitor, role, child.id, answer, now_of(request))
    return json_answer(kept.answer, status=201 if is_new else 200)


async def mine(request: Request) -> Response:
    """The child's own answers."""
    child, _ = await own_child(request, Action.HISTORY_SEE)
    return await _history(request, child)


async def of_child(request: Request) -> Response:
    """A child's answers."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.HISTORY_SEE)
    return await _history(request, child)


Limit = Annotated[int, msgspec.Meta(ge=1, le=MOST)]


async def _history(request: Request, child: Child) -> Response:
    limit = query_of(request, limit=Limit)["limit"] or 28
    rows = await CheckIn.filter(child_id=child.id).order_by("-received_at").limit(limit)
    if not (await visitor_of(request)).is_child:
        await shows(request, child, Kind.CHECK_IN, to_be_read(rows))
        return json_answer(CheckInsOut([_out(row) for row in rows]))
    read = await read_by([row.id for row in rows])
    return json_answer(CheckInsOut([_out(row, read.get(row.id, [])) for row in rows]))


def _out(row: CheckIn, read: list[ReadOut] | msgspec.UnsetType = msgspec.UNSET) -> CheckInOut:
    return CheckInOut(
        id=row.id,
        said_at=row.said_at,
        spoken_at=row.spoken_at,
        received_at=row.received_at,
        by_role=Role(row.by_role),
        by_way=Way(row.by_way),
        mood=row.mood,
        note=row.note,
        want=Want(row.want),
        how=How(row.how) if row.how is not None else None,
        who=row.who_id,
        is_late=row.is_late,
        is_early=row.is_early,
        is_old=row.is_old,
        read=read,
    )


_CHILD = "/api/v1/children/{child_id:uuid}"

routes = [
    api(
        "POST",
        "/api/v1/check-ins",
        check_in,
        "Check in",
        takes=CheckInRequest,
        gives={201: Received, 200: Received},
        problems=(IdReused, Unavailable),
    ),
    api(
        "GET",
        "/api/v1/check-ins",
        mine,
        "My check-ins",
        gives={200: CheckInsOut},
        query={"limit": Limit},
    ),
    api(
        "POST",
        f"{_CHILD}/check-ins",
        check_in_for,
        "Check in for a child",
        takes=CheckInRequest,
        gives={201: Received, 200: Received},
        problems=(IdReused, Unavailable),
    ),
    api(
        "GET",
        f"{_CHILD}/check-ins",
        of_child,
        "The check-ins of a child",
        gives={200: CheckInsOut},
        query={"limit": Limit},
    ),
]
