"""Being away over the API: the child asks in their own session, and everyone else with a tie names
the child."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict, IdReused, NotFound, Refused
from server.people.access import child_for, now_of, own_child, visitor_of
from server.people.models import Child
from server.people.rules import Action
from server.watch.absence import actions, reading
from server.watch.absence.actions import AgreeRequest, AskRequest, DeclineRequest
from server.watch.absence.models import AbsenceRequest
from server.watch.absence.rules import Standing
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class AbsenceOut(msgspec.Struct):
    """An agreed absence. `by`: the person who agreed; `next_due_at`: the check-in after it, null
    once it is over; `returns`: it is due at the very end."""

    id: UUID
    from_at: datetime
    until_at: datetime
    ended_at: datetime | None
    returns: bool
    by: str
    next_due_at: datetime | None


class AbsenceRequestOut(msgspec.Struct):
    """A child asks to be away. `state`: waiting (check-ins go on), passed (nobody answered before
    its time was over), agreed, back (the child is back before the end, or has not gone), over,
    declined, recalled, replaced or ended. `agreed`: what was agreed, which may be other times;
    `answer`: the words of the person who answered."""

    id: UUID
    from_at: datetime
    until_at: datetime
    place: str
    words: str | None
    said_at: datetime
    made_at: datetime
    state: Standing
    decided_at: datetime | None
    decided_by: str | None
    answer: str | None
    agreed: AbsenceOut | None


class AbsencesOut(msgspec.Struct):
    """The latest requests, the newest first; and the agreed absences that are not over, the first
    first, those without a request too."""

    requests: list[AbsenceRequestOut]
    agreed: list[AbsenceOut]


async def show_own(request: Request) -> Response:
    """When I am away, and what I asked for."""
    child, _ = await own_child(request, Action.ABSENCE_ASK)
    return await _all(child, now_of(request))


async def show(request: Request) -> Response:
    """When a child is away, and what they asked for."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.RHYTHM_SEE)
    return await _all(child, now_of(request))


async def ask(request: Request) -> Response:
    """Ask to be away. Check-ins go on until a worker agrees."""
    child, _ = await own_child(request, Action.ABSENCE_ASK)
    payload, now = await json_body(request, AskRequest), now_of(request)
    row, is_new = await actions.ask(await visitor_of(request), child.id, payload, now)
    return await _one(row, now, status=201 if is_new else 200)


async def take_back(request: Request) -> Response:
    """Take a request back, or say that one is back before the end."""
    child, _ = await own_child(request, Action.ABSENCE_ASK)
    visitor, absence_id, now = await visitor_of(request), _id(request), now_of(request)
    return await _one(await actions.take_back(visitor, child.id, absence_id, now), now)


async def agree(request: Request) -> Response:
    """Agree to a request, as asked or to other times."""
    payload = await json_body(request, AgreeRequest)
    child, _ = await child_for(request, request.path_params["child_id"], Action.PAUSE)
    visitor, now = await visitor_of(request), now_of(request)
    return await _one(await actions.agree(visitor, child.id, _id(request), payload, now), now)


async def decline(request: Request) -> Response:
    """Answer that it is not possible now, in words for the child."""
    payload = await json_body(request, DeclineRequest)
    child, _ = await child_for(request, request.path_params["child_id"], Action.PAUSE)
    visitor, now = await visitor_of(request), now_of(request)
    row = await actions.decline(visitor, child.id, _id(request), payload.words, now)
    return await _one(row, now)


def _id(request: Request) -> UUID:
    absence_id: UUID = request.path_params["absence_id"]
    return absence_id


async def _all(child: Child, now: datetime) -> Response:
    requests, absences = await reading.of_child(child.id, now)
    return json_answer(AbsencesOut(_requests(requests), [_absence(each) for each in absences]))


async def _one(row: AbsenceRequest, now: datetime, *, status: int = 200) -> Response:
    return json_answer(_requests([await reading.read_one(row, now)])[0], status=status)


def _requests(requests: Sequence[reading.Request]) -> list[AbsenceRequestOut]:
    return [
        AbsenceRequestOut(
            id=each.row.id,
            from_at=each.row.from_at,
            until_at=each.row.until_at,
            place=each.row.place,
            words=each.row.words,
            said_at=each.row.said_at,
            made_at=each.row.made_at,
            state=each.standing,
            decided_at=each.row.decided_at,
            decided_by=each.by or None,
            answer=each.row.answer,
            agreed=_absence(each.absence) if each.absence is not None else None,
        )
        for each in requests
    ]


def _absence(absence: reading.Absence) -> AbsenceOut:
    row = absence.row
    return AbsenceOut(
        id=row.id,
        from_at=row.from_at,
        until_at=row.until_at,
        ended_at=row.ended_at,
        returns=row.returns,
        by=absence.by,
        next_due_at=absence.next_due_at,
    )


_OWN, _CHILD = "/api/v1/absences", "/api/v1/children/{child_id:uuid}/absences"
_ONE = f"{_CHILD}/{{absence_id:uuid}}"

routes = [
    api("GET", _OWN, show_own, "When I am away", gives={200: AbsencesOut}),
    api(
        "POST",
        _OWN,
        ask,
        "Ask to be away",
        takes=AskRequest,
        gives={201: AbsenceRequestOut, 200: AbsenceRequestOut},
        problems=(Refused, Conflict, IdReused),
    ),
    api(
        "DELETE",
        f"{_OWN}/{{absence_id:uuid}}",
        take_back,
        "Take it back, or be back early",
        gives={200: AbsenceRequestOut},
        problems=(NotFound, Conflict),
    ),
    api("GET", _CHILD, show, "When a child is away", gives={200: AbsencesOut}),
    api(
        "POST",
        f"{_ONE}/agree",
        agree,
        "Agree to a child's request to be away",
        takes=AgreeRequest,
        gives={200: AbsenceRequestOut},
        problems=(NotFound, Refused, Conflict),
    ),
    api(
        "POST",
        f"{_ONE}/decline",
        decline,
        "Answer a child's request to be away otherwise",
        takes=DeclineRequest,
        gives={200: AbsenceRequestOut},
        problems=(NotFound, Refused, Conflict),
    ),
]
